import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { said, saying, sseBody, sseEvent } from '../support/chunks.ts'
import type { Received, Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { hang, head } from '../support/steps.ts'
import type { Script, Upstream } from '../support/upstream.ts'
import { listen } from '../upstream/servers.ts'
import { assertError, metric, ReadClock, Spoken, setting } from './setting.ts'

const env = {
  MAX_ATTEMPTS: '1',
  FIRST_EVENT_TIMEOUT_MS: '5000',
  IDLE_TIMEOUT_MS: '2000',
  REQUEST_TIMEOUT_MS: '9000',
}
const [role = '', first = '', second = '', finish = ''] = saying('forty', '-two').map((event) => sseEvent(event))

describe('time-outs of an un-streamed request', () => {
  const on = setting()
  let clock: ReadClock
  let spoken: Spoken
  let proxy: RunningProxy
  let upstream: Upstream

  async function start(script: Script, more: Record<string, string> = {}) {
    const started = await on.pair(script, { clock, env: { ...env, ...more } })
    proxy = started.proxy
    upstream = started.upstream
  }

  beforeEach(() => {
    clock = new ReadClock()
    spoken = new Spoken(clock)
  })

  /** The request ends with this outcome after exactly `ms` more milliseconds, and the upstream is left. */
  async function endsAfter(ms: number, outcome: string, request: Received, response: Promise<Response>) {
    clock.move(ms - 1)
    assert.equal(request.closedBy, undefined)
    assert.equal(await metric(proxy, 'proxy_upstream_in_flight'), 1)
    clock.move(1)
    const { error } = await assertError(await response, 504, 'upstream_timeout')
    assert.doesNotMatch(error.message, /127\.0\.0\.1/)
    assert.equal(await request.closed, 'client')
    await proxy.line(({ msg }) => msg === 'request')
    assert.equal(await metric(proxy, 'proxy_upstream_attempts_total', { outcome }), 1)
  }

  for (const [when, steps] of [
    ['before the headers', [hang]],
    ['after the headers', [head(), hang]],
  ] as [string, Step[]][]) {
    it(`the first event is late when the upstream hangs ${when}`, async () => {
      await start(steps)
      const response = post(proxy.chat, question)
      await endsAfter(5000, 'first_event_timeout', await upstream.next(), response)
    })
  }

  it('comments, empty events and pings are no first event', async () => {
    await start([head(), spoken.step])
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    await spoken.say(': waiting\n\n')
    clock.move(3000)
    await spoken.say('event: ping\n\ndata:\n\n: still waiting\n\nevent: ping\ndata: {"type": "ping"}\n\n')
    await endsAfter(2000, 'first_event_timeout', request, response)
  })

  it('each event gives the next one its time', async () => {
    await start([head(), spoken.step])
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    clock.move(4000)
    await spoken.say(role)
    clock.move(1999)
    await spoken.say(first)
    await endsAfter(2000, 'idle_timeout', request, response)
  })

  it('comments, pings and half an event feed no time-out', async () => {
    await start([head(), spoken.step])
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    await spoken.say(role)
    clock.move(1000)
    await spoken.say(': waiting\n\ndata: {"type":"ping"}\n\n')
    clock.move(500)
    await spoken.say(first.slice(0, 20))
    await endsAfter(500, 'idle_timeout', request, response)
  })

  it('the whole request has an end, however busy the stream is', async () => {
    await start([head(), spoken.step])
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    for (let second = 0; second < 8; second++) {
      await spoken.say(second === 0 ? role : first)
      clock.move(1000)
    }
    await endsAfter(1000, 'total_timeout', request, response)
  })

  it('a stream that is finished but never ended is an answer once it falls silent', async () => {
    await start([head(), spoken.step])
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    await spoken.say(role + first + second + finish)
    clock.move(2000)
    assert.deepEqual(await (await response).json(), said('forty-two'))
    // Its connection is given up a little later.
    clock.move(1000)
    assert.equal(await request.closed, 'client')
  })

  it('a stream is an answer at its [DONE], also when its connection stays open', async () => {
    await start([head(), spoken.step])
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    await spoken.say(sseBody(saying('forty-two'), { done: true }))
    assert.deepEqual(await (await response).json(), said('forty-two'))
    assert.equal(request.closedBy, undefined)
    clock.move(1000)
    assert.equal(await request.closed, 'client')
  })

  it('an error whose body never ends is told by its status, after five seconds', async () => {
    const patient = { FIRST_EVENT_TIMEOUT_MS: '20000', IDLE_TIMEOUT_MS: '20000', REQUEST_TIMEOUT_MS: '60000' }
    await start([head(503, { 'content-type': 'application/json' }), spoken.step], patient)
    const response = post(proxy.chat, question)
    const request = await upstream.next()
    await spoken.say('{')
    clock.move(4999)
    assert.equal(request.closedBy, undefined)
    clock.move(1)
    await assertError(await response, 503, 'upstream_error')
    assert.equal(await request.closed, 'client')
  })

  it('a connection is late when the handshake gets no answer', async () => {
    // undici keeps this time by the system's clock.
    const server = await listen(createServer())
    const silent = await on.proxy([`https://127.0.0.1:${server.port}/v1`], {
      env: { MAX_ATTEMPTS: '1', CONNECT_TIMEOUT_MS: '1' },
    })
    const { error } = await assertError(await post(silent.chat, question), 504, 'upstream_timeout')
    assert.match(error.message, /connection/)
    assert.equal(await metric(silent, 'proxy_upstream_attempts_total', { outcome: 'connect_timeout' }), 1)
    await server.stop()
  })

  it('a plain answer is held to the same times', async () => {
    await start([hang])
    const response = fetch(`${proxy.base}/models`)
    await endsAfter(5000, 'first_event_timeout', await upstream.next(), response)
  })
})
