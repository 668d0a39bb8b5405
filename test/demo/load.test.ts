import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { load } from '../../src/demo/load.ts'
import { MovedClock } from '../support/clock.ts'
import { answer } from '../support/steps.ts'
import { startUpstream } from '../support/upstream.ts'

describe('the demo’s clients', () => {
  it('ask for one JSON mostly, for streams at times, and at times for what is refused, until they are stopped', async () => {
    const proxy = await startUpstream([answer(200, {})])
    const clock = new MovedClock()
    const stop = new AbortController()
    const playing = load({ chat: proxy.url, clock, signal: stop.signal, clients: 2 })
    while (proxy.requests.length < 40) {
      clock.move(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    stop.abort()
    await playing
    assert.equal(clock.pending, 0)
    const bodies = proxy.requests.map(({ json }) => json)
    const streams = bodies.filter(({ stream }) => stream === true).length
    assert.ok(streams > 0 && streams < bodies.length / 2)
    assert.ok(bodies.some(({ n }) => n === 3))
    assert.ok(bodies.some(({ tools }) => Array.isArray(tools)))
    await proxy.close()
  })

  it('go on while nobody answers', async () => {
    const proxy = await startUpstream(['refuse', [answer(200, {})]])
    const clock = new MovedClock()
    const stop = new AbortController()
    const playing = load({ chat: proxy.url, clock, signal: stop.signal, clients: 1 })
    while (proxy.requests.length < 2) {
      clock.move(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(proxy.connections > 1)
    stop.abort()
    await playing
    await proxy.close()
  })
})

describe('the demo’s upstream as a service', () => {
  it('listens where it is told, has its clients ask the proxy, and ends by SIGTERM', async () => {
    const proxy = await startUpstream([answer(200, {})])
    const entry = fileURLToPath(new URL('../../src/demo/service.ts', import.meta.url))
    const service = spawn(process.execPath, [entry, '--port', '0', '--ask', proxy.url])
    const [said] = (await once(service.stdout, 'data')) as [Buffer]
    const port = /port (\d+)/.exec(said.toString())?.[1]
    const models = await fetch(`http://127.0.0.1:${port}/v1/models`)
    assert.match(await models.text(), /demo-stream-only/)
    await proxy.next()
    service.kill('SIGTERM')
    assert.deepEqual(await once(service, 'exit'), [0, null])
    await proxy.close()
  })
})
