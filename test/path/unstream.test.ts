import assert from 'node:assert/strict'
import { saying, usageChunk } from '../support/chunks.ts'
import { post, question, type RunningProxy, startProxy } from '../support/proxy.ts'
import { head, stream, streamOnly } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

describe('un-streaming', () => {
  let upstream: Upstream
  let proxy: RunningProxy

  afterEach(async () => {
    assert.equal(await proxy.close(), 0)
    assert.equal(await upstream.close(), 0)
  })

  it('answers a plain request with the fold of the events', async () => {
    upstream = await startUpstream(
      streamOnly([head(), stream([...saying('forty', '-two'), usageChunk(7, 2)], { done: true })]),
    )
    proxy = await startProxy({ upstreams: [upstream] })
    const response = await post(proxy.chat, question)
    assert.equal(response.status, 200)
    const answer = await response.json()
    console.log(JSON.stringify(answer), [...response.headers])
    console.log(proxy.lines)
  })
})
