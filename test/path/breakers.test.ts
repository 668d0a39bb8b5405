import assert from 'node:assert/strict'
import { chunk, said, saying, sseBody, sseEvent } from '../support/chunks.ts'
import { MovedClock } from '../support/clock.ts'
import type { Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, hang, send } from '../support/steps.ts'
import { assertError, metric, ReadClock, setting, statusOf, until } from './setting.ts'

const good: Step[] = [send(sseBody(saying('good'), { done: true }))]
const bad: Step[] = [answer(500, { error: { message: 'x' } })]
const env = { MAX_ATTEMPTS: '1', BREAKER_MIN_REQUESTS: '4', BREAKER_OPEN_MS: '10000' }

async function ask(proxy: RunningProxy, times = 1): Promise<number[]> {
  const statuses: number[] = []
  for (let count = 0; count < times; count++) {
    const response = await post(proxy.chat, question)
    await response.text()
    statuses.push(response.status)
  }
  return statuses
}

describe('the breakers', () => {
  const on = setting()

  it('leave an upstream alone once enough of its answers have failed, and say so at once', async () => {
    const clock = new MovedClock()
    const { proxy, upstream } = await on.pair(bad, { clock, env })
    assert.deepEqual(await ask(proxy, 4), [500, 500, 500, 500])
    const response = await post(proxy.chat, question)
    assert.equal(response.headers.get('retry-after'), '10')
    assert.equal(response.headers.get('x-should-retry'), null)
    await assertError(response, 503, 'no_upstream')
    assert.equal(upstream.requests.length, 4)
    assert.equal(proxy.app.ready(), false)
    assert.equal((await fetch(`http://127.0.0.1:${proxy.port}/health/ready`)).status, 503)
    assert.equal(await metric(proxy, 'proxy_circuit_state'), 2)
    assert.equal(await metric(proxy, 'proxy_circuit_transitions_total', { to: 'open' }), 1)
  })

  it('let one request through when the time is over, and close when it is answered', async () => {
    const clock = new ReadClock()
    const gate = Promise.withResolvers<void>()
    const { proxy, upstream } = await on.pair(bad, { clock, env })
    await ask(proxy, 4)
    upstream.play([() => gate.promise, ...good])
    clock.move(10_000)
    const probe = post(proxy.chat, question)
    await upstream.next()
    for (let count = 0; count < 4; count++) await upstream.next()
    assert.equal(statusOf(proxy)[0]?.state, 'half_open')
    assert.deepEqual(await ask(proxy, 3), [503, 503, 503])
    gate.resolve()
    assert.equal((await probe).status, 200)
    assert.equal(statusOf(proxy)[0]?.state, 'closed')
    assert.deepEqual(await ask(proxy, 3), [200, 200, 200])
  })

  for (const stream of [true, false]) {
    it(`close with the first event of the one ${stream ? 'stream' : 'answer'}, however long it goes on`, async () => {
      const clock = new ReadClock()
      const gate = Promise.withResolvers<void>()
      const { proxy, upstream } = await on.pair(bad, { clock, env })
      await ask(proxy, 4)
      for (let count = 0; count < 4; count++) await upstream.next()
      upstream.play([[send(sseEvent(chunk({ content: 'x' }))), () => gate.promise, ...good], good])
      clock.move(10_000)
      const probe = post(proxy.chat, { ...question, stream })
      await upstream.next()
      await until(() => statusOf(proxy)[0]?.state === 'closed')
      assert.deepEqual(await ask(proxy, 2), [200, 200])
      gate.resolve()
      await (await probe).text()
    })
  }

  it('open for twice as long when the one request fails as well', async () => {
    const clock = new MovedClock()
    const { proxy } = await on.pair(bad, { clock, env })
    await ask(proxy, 4)
    clock.move(10_000)
    assert.deepEqual(await ask(proxy, 1), [500])
    clock.move(19_999)
    assert.deepEqual(await ask(proxy, 1), [503])
    clock.move(1)
    assert.deepEqual(await ask(proxy, 1), [500])
  })

  for (const [name, steps] of [
    ['refusals of the client’s own', [answer(400, { error: { message: 'x' } })]],
    ['unknown models', [answer(404, { error: { message: 'x' } })]],
    ['rate limits', [answer(429, { error: { message: 'x' } })]],
    ['keys of the client’s own', [answer(401, { error: { message: 'x' } })]],
  ] as [string, Step[]][]) {
    it(`do not count ${name}`, async () => {
      const { proxy, upstream } = await on.pair(steps, { env })
      await ask(proxy, 8)
      assert.equal(upstream.requests.length, 8)
      assert.equal(statusOf(proxy)[0]?.state, 'closed')
    })
  }

  it('rest an upstream after a 429 for as long as it asks, without opening', async () => {
    const clock = new MovedClock()
    const { proxy, upstream } = await on.pair([[answer(429, {}, { 'retry-after': '7' })], good], { clock, env })
    assert.deepEqual(await ask(proxy, 1), [429])
    clock.move(6001)
    const refused = await post(proxy.chat, question)
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
    assert.equal(upstream.requests.length, 1)
    assert.deepEqual([statusOf(proxy)[0]?.state, proxy.app.ready()], ['closed', false])
    clock.move(999)
    assert.deepEqual(await ask(proxy, 1), [200])
  })

  it('rest an upstream after a 429 to a key of its own, whatever key the client has sent', async () => {
    const { proxy } = await on.pair([answer(429, {}, { 'retry-after': '7' })], {
      env: { ...env, UPSTREAM_API_KEY: 'operators' },
    })
    const headers = { authorization: 'Bearer mine' }
    assert.equal((await post(proxy.chat, question, { headers })).status, 429)
    assert.equal(statusOf(proxy)[0]?.resting, true)
    assert.equal(await metric(proxy, 'proxy_upstream_resting'), 1)
  })

  it('stay closed over the page with which a firewall refuses one prompt, though the upstream is passed over a while', async () => {
    const clock = new MovedClock()
    const page = [answer(403, '<!doctype html><title>Sorry, you have been blocked</title>')]
    const guarded = await on.upstream(({ body }) => (body.includes('drop table') ? page : good))
    const other = await on.upstream(good)
    const proxy = await on.proxy([guarded, other], {
      clock,
      env: { ...env, UPSTREAM_API_KEY: 'operators', LOAD_BALANCING: 'round-robin' },
    })
    const blocked = await post(proxy.chat, { ...question, messages: [{ role: 'user', content: 'drop table' }] })
    await assertError(blocked, 403, 'upstream_error')
    assert.equal(statusOf(proxy)[0]?.state, 'closed')
    assert.deepEqual(await ask(proxy, 2), [200, 200])
    assert.deepEqual([guarded.requests.length, other.requests.length], [1, 2])
    clock.move(1000)
    assert.deepEqual(await ask(proxy, 2), [200, 200])
    assert.deepEqual([guarded.requests.length, other.requests.length], [2, 3])
  })

  it('are told to the other workers, and heard from them', async () => {
    const clock = new MovedClock()
    const { proxy, upstream } = await on.pair(bad, { clock, env })
    await ask(proxy, 4)
    const name = `127.0.0.1:${upstream.port}`
    const opened = { kind: 'breaker', upstream: name, state: 'open', until: clock.wall() + 10_000 }
    assert.deepEqual(proxy.told, [opened])
    // Another process has another clock, which shows another time but for the wall's.
    const other = await on.proxy([upstream], { clock: new MovedClock(), env })
    other.app.hear(proxy.told[0]!)
    assert.deepEqual(await ask(other, 1), [503])
    assert.deepEqual(other.told, [], 'what was told is not told on')
    assert.equal(upstream.requests.length, 4)

    upstream.play(good)
    clock.move(10_000)
    assert.deepEqual(await ask(proxy, 1), [200])
    assert.equal(proxy.told[1]?.state, 'closed')
    other.app.hear(proxy.told[1]!)
    assert.equal(statusOf(other)[0]?.state, 'closed')
    other.app.hear({ ...opened, kind: 'breaker', state: 'open', upstream: 'unknown' })
  })

  it('give a slot back when the client of the one request leaves', async () => {
    const clock = new ReadClock()
    const { proxy, upstream } = await on.pair(bad, { clock, env })
    await ask(proxy, 4)
    for (let count = 0; count < 4; count++) await upstream.next()
    upstream.play([[hang], good])
    clock.move(10_000)
    const leaving = new AbortController()
    const left = assert.rejects(post(proxy.chat, question, { signal: leaving.signal }))
    const request = await upstream.next()
    leaving.abort()
    await left
    await request.closed
    await proxy.line(({ status }) => status === 499)
    assert.deepEqual(await ask(proxy, 1), [200])
  })

  it('keep requests away from one of several', async () => {
    const clock = new MovedClock()
    const failing = await on.upstream(bad)
    const fine = await on.upstream(good)
    const proxy = await on.proxy([failing, fine], {
      clock,
      env: { ...env, MAX_ATTEMPTS: '2', LOAD_BALANCING: 'round-robin' },
    })
    assert.ok((await ask(proxy, 20)).every((status) => status === 200))
    assert.equal(failing.requests.length, 4)
    failing.play(good)
    clock.move(10_000)
    await ask(proxy, 8)
    assert.equal(failing.requests.length, 8)
    const response = await post(proxy.chat, question)
    assert.deepEqual(await response.json(), said('good'))
  })
})
