import assert from 'node:assert/strict'
import { saying, sseBody } from '../support/chunks.ts'
import { MovedClock } from '../support/clock.ts'
import type { Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, hang, send, streamOnly } from '../support/steps.ts'
import type { Upstream } from '../support/upstream.ts'
import { setting, statusOf, until } from './setting.ts'

const good: Step[] = [send(sseBody(saying('good'), { done: true }))]
const bad: Step[] = [answer(500, { error: { message: 'x' } })]
const probe = { model: 'small', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 }
const env = {
  MAX_ATTEMPTS: '1',
  BREAKER_MIN_REQUESTS: '3',
  BREAKER_OPEN_MS: '10000',
  PROBE_BODY: JSON.stringify(probe),
  UPSTREAM_API_KEY: 'own-key',
}

describe('probing an upstream that rests', () => {
  const on = setting()
  let clock: MovedClock
  let proxy: RunningProxy
  let upstream: Upstream

  beforeEach(async () => {
    clock = new MovedClock()
    const started = await on.pair(bad, { clock, env })
    proxy = started.proxy
    upstream = started.upstream
    for (let count = 0; count < 3; count++) {
      await post(proxy.chat, question)
      await upstream.next()
    }
    assert.equal(statusOf(proxy)[0]?.state, 'open')
  })

  const becomes = (state: string) =>
    until(() => statusOf(proxy)[0]?.state === state && statusOf(proxy)[0]?.inFlight === 0)

  it('asks it as a user would, streamed, and closes its breaker', async () => {
    upstream.play(streamOnly(good))
    clock.move(10_000)
    const { json, headers } = await upstream.next()
    assert.deepEqual(json, { ...probe, stream: true })
    assert.equal(headers.authorization, 'Bearer own-key')
    await becomes('closed')
    assert.equal(proxy.app.ready(), true)
    assert.equal((await post(proxy.chat, question)).status, 200)
  })

  it('lets no user’s request find out', async () => {
    upstream.play([hang])
    clock.move(10_000)
    const asked = await upstream.next()
    assert.equal((await post(proxy.chat, question)).status, 503)
    assert.equal(proxy.app.ready(), false, 'no request that came could be served')
    assert.equal(upstream.requests.length, 4)
    assert.deepEqual(asked.json.model, 'small')
    clock.move(120_000)
    assert.equal(await asked.closed, 'client')
    await becomes('open')
  })

  it('asks again later when it fails', async () => {
    clock.move(10_000)
    await upstream.next()
    await becomes('open')
    upstream.play(good)
    clock.move(20_000)
    await upstream.next()
    await becomes('closed')
  })

  for (const [name, step] of [
    ['refuses the question', answer(400, { error: { message: 'unknown model' } })],
    ['asks for patience', answer(429, { error: { message: 'slow' } }, { 'retry-after': '1' })],
  ] as const) {
    it(`takes it as back when it ${name}`, async () => {
      upstream.play([step])
      clock.move(10_000)
      await upstream.next()
      await becomes('closed')
    })
  }

  it('leaves it when the proxy stops', async () => {
    upstream.play([hang])
    clock.move(10_000)
    const asked = await upstream.next()
    await proxy.app.close()
    assert.equal(await asked.closed, 'client')
  })
})
