import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { chunk, sseEvent } from '../support/chunks.ts'
import { question, type RunningProxy } from '../support/proxy.ts'
import { flood, head, stream } from '../support/steps.ts'
import { metric, ReadClock, setting } from './setting.ts'

const MEGABYTE = 1_000_000
const event = sseEvent(chunk({ content: 'x'.repeat(60_000) }))
/** What the buffers of four sockets on loopback and of two processes' worth of streams may hold between them. */
const BUFFERED = 24 * MEGABYTE

/** Asks for a stream and reads nothing of it until told to. */
async function slowReader(proxy: RunningProxy): Promise<IncomingMessage> {
  const body = JSON.stringify({ ...question, stream: true })
  const asked = request(proxy.chat, { method: 'POST', headers: { 'content-type': 'application/json' } }).end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.pause()
  return response
}

/** Waits until a number has stood still for some turns of the event loop, in which the sockets had nothing to do. */
async function settled(read: () => number): Promise<number> {
  let last = -1
  for (let still = 0; still < 2000; still++) {
    if (read() !== last) still = 0
    last = read()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return last
}

describe('a slow reader of a stream', () => {
  const on = setting()

  it('slows the upstream, and the proxy holds little', async () => {
    const { proxy, upstream } = await on.pair([
      head(),
      flood(64 * MEGABYTE, event),
      stream([chunk({}, { finish: 'stop' })]),
    ])
    const response = await slowReader(proxy)
    const asked = upstream.requests[0]!
    const accepted = await settled(() => asked.accepted)
    assert.ok(accepted < BUFFERED, `${accepted} bytes were taken from the upstream`)
    let read = 0
    for await (const part of response) read += part.length
    assert.ok(read > 64 * MEGABYTE)
    assert.equal(await asked.closed, 'whole')
  })

  it('is not held against the upstream, which cannot send meanwhile', async () => {
    const clock = new ReadClock()
    const { proxy, upstream } = await on.pair([head(), flood(64 * MEGABYTE, event)], {
      clock,
      env: { IDLE_TIMEOUT_MS: '1000', REQUEST_TIMEOUT_MS: '10000' },
    })
    const response = await slowReader(proxy)
    await settled(() => upstream.requests[0]!.accepted)
    clock.move(5000)
    assert.equal(upstream.requests[0]!.closedBy, undefined)
    clock.move(5000)
    assert.equal(await upstream.requests[0]!.closed, 'client')
    response.destroy()
    await proxy.line(({ msg }) => msg === 'request')
    assert.equal(await metric(proxy, 'proxy_upstream_attempts_total', { outcome: 'aborted' }), 1)
  })
})
