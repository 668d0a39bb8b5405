import assert from 'node:assert/strict'
import { chunk, said, saying, sseBody, sseEvent } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question } from '../support/proxy.ts'
import { answer, cut, hang, head, send } from '../support/steps.ts'
import { refusingAddress, type Upstream } from '../support/upstream.ts'
import { assertError, metric, ReadClock, setting, statusOf, until } from './setting.ts'

const good: Step = send(sseBody(saying('good'), { done: true }))
const theirs = { message: 'x', type: 'y', param: null, code: 'z' }
const env = { LOAD_BALANCING: 'round-robin' }

describe('failing over', () => {
  const on = setting()

  for (const [name, steps, outcome] of [
    ['a cut before the headers', [cut], 'connect'],
    ['a cut in the stream', [head(), send(sseEvent(chunk({ content: 'lost' }))), cut], 'truncated'],
    ['a truncated stream', [send(sseEvent(chunk({ content: 'lost' })))], 'truncated'],
    ['an empty stream', [head()], 'truncated'],
    ['garbage', [answer(200, 'hello')], 'invalid'],
    ['500', [answer(500, { error: theirs })], 'server_error'],
    ['503', [answer(503, { error: theirs })], 'server_error'],
    ['408', [answer(408, { error: theirs })], 'server_error'],
    ['429', [answer(429, { error: theirs })], 'rate_limited'],
    ['302', [answer(302, '', { location: '/' })], 'invalid'],
    ['an error in the stream', [send(sseEvent({ error: theirs }))], 'server_error'],
    ['a late error in the stream', [send(sseBody([chunk({ content: 'lost' }), { error: theirs }]))], 'server_error'],
  ] as [string, Step[], string][]) {
    it(`goes to the next upstream after ${name}, and starts clean`, async () => {
      const bad = await on.upstream(steps)
      const proxy = await on.proxy([bad, await on.upstream([good])], { env })
      const response = await post(proxy.chat, question)
      assert.deepEqual(await response.json(), said('good'))
      assert.equal(response.headers.get('x-proxy-attempts'), '2')
      assert.equal(response.headers.get('x-should-retry'), null)
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.match((line.tried as string[])[0]!, new RegExp(`:${outcome}$`))
      const phase = name.includes('in the stream') && name !== 'an error in the stream' ? 'mid_stream' : undefined
      const expected = name === 'a truncated stream' ? 'mid_stream' : (phase ?? 'before_first_event')
      assert.equal(await metric(proxy, 'proxy_retries_total', { reason: outcome, phase: expected }), 1)
    })
  }

  it('goes on where no connection can be made', async () => {
    const proxy = await on.proxy([`http://${await refusingAddress()}/v1`, await on.upstream([good])], { env })
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('good'))
  })

  for (const [name, steps, setting] of [
    ['first event', [hang], 'FIRST_EVENT_TIMEOUT_MS'],
    ['next event', [send(sseEvent(chunk({ content: 'lost' }))), hang], 'IDLE_TIMEOUT_MS'],
  ] as [string, Step[], string][]) {
    it(`goes on where the ${name} is late`, async () => {
      const clock = new ReadClock()
      const bad = await on.upstream(steps)
      const proxy = await on.proxy([bad, await on.upstream([good])], { clock, env: { ...env, [setting]: '1000' } })
      const pending = post(proxy.chat, question)
      await bad.next()
      // A first event must have been seen, where there is one: only then is it the next one that is late.
      const { reads } = clock
      if (steps.length > 1) await until(() => clock.reads > reads)
      clock.move(1000)
      assert.deepEqual(await (await pending).json(), said('good'))
    })
  }

  for (const [name, status] of [
    ['refuses the key which is its own', 401],
    ['has no balance left for the key which is its own', 402],
  ] as const) {
    it(`goes on from an upstream that ${name}, and stays away`, async () => {
      const bad = await on.upstream([answer(status, { error: theirs })])
      const other = await on.upstream([good])
      const proxy = await on.proxy([bad, other], { env: { ...env, UPSTREAM_API_KEY: 'wrong-key,right-key' } })
      for (let count = 0; count < 3; count++) assert.equal((await post(proxy.chat, question)).status, 200)
      assert.deepEqual([bad.requests.length, other.requests.length], [1, 3])
      const line = await proxy.line(({ msg }) => String(msg).startsWith('breaker'))
      assert.deepEqual([line.level, line.to, line.why], [50, 'open', 'unauthorized'])
      assert.doesNotMatch(JSON.stringify(proxy.lines), /wrong-key/)
    })
  }

  for (const [header, value] of Object.entries({ Authorization: 'Bearer wrong-key', 'X-Api-Key': 'wrong-key' })) {
    it(`goes on where the key that is refused is the operator’s, in ${header}, and quotes it nowhere`, async () => {
      const bad = await on.upstream([answer(401, { error: { ...theirs, message: 'No such key: wrong-key' } })])
      const other = await on.upstream([good])
      const headers = { [header]: value }
      const entries = [bad, other].map(({ base }, priority) => ({ name: `p${priority}`, url: base, priority, headers }))
      const proxy = await on.proxy([], { env, config: JSON.stringify({ upstreams: entries }) })
      for (let count = 0; count < 3; count++) assert.equal((await post(proxy.chat, question)).status, 200)
      assert.deepEqual([bad.requests.length, other.requests.length], [1, 3])
      const alone = await on.proxy([], { config: JSON.stringify({ upstreams: entries.slice(0, 1) }) })
      const { error } = await assertError(await post(alone.chat, question), 401, 'upstream_error')
      assert.doesNotMatch(error.message, /wrong-key/)
    })
  }

  it('goes on from an upstream that wants a key and gets none, since clients bring only keys of this proxy', async () => {
    const bad = await on.upstream([answer(401, { error: theirs })])
    const other = await on.upstream([good])
    const keys = { PROXY_API_KEYS: 'mine', UPSTREAM_API_KEY: ',right-key' }
    const proxy = await on.proxy([bad, other], { env: { ...env, ...keys } })
    const headers = { authorization: 'Bearer mine' }
    for (let count = 0; count < 3; count++) assert.equal((await post(proxy.chat, question, { headers })).status, 200)
    assert.deepEqual([bad.requests.length, other.requests.length], [1, 3])
  })

  it('leaves the key to the client where that is its own, whatever else the operator sends', async () => {
    const { upstream, proxy } = await on.pair([answer(401, { error: theirs })], { env })
    const headers = { 'x-api-key': 'of-the-operator' }
    const both = await on.proxy([], { config: JSON.stringify({ upstreams: [{ url: upstream.base, headers }] }) })
    for (const { chat } of [proxy, both]) {
      const refused = await post(chat, question, { headers: { authorization: 'Bearer mine' } })
      assert.deepEqual([refused.status, await refused.json()], [401, { error: theirs }])
    }
    assert.deepEqual([statusOf(both)[0]?.state, upstream.requests.length], ['closed', 2])
  })

  it('stays with an upstream that refuses the organization which one client has named', async () => {
    const mismatch = { ...theirs, message: 'OpenAI-Organization header should match organization for API key' }
    const { proxy } = await on.pair(
      ({ headers }) => (headers['openai-organization'] ? [answer(401, { error: mismatch })] : [good]),
      { env: { UPSTREAM_API_KEY: 'one-key', MAX_ATTEMPTS: '1' } },
    )
    const refused = await post(proxy.chat, question, { headers: { 'openai-organization': 'org-of-another-key' } })
    assert.deepEqual([refused.status, await refused.json()], [401, { error: mismatch }])
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('good'))
  })

  for (const [name, steps] of [
    ['403', [answer(403, { error: { ...theirs, code: 'model_not_found' } })]],
    ['an error 403 in the stream', [send(sseEvent({ error: { ...theirs, code: 403 } }))]],
  ] as [string, Step[]][]) {
    it(`goes on after ${name} to a key of its own that is about one model or prompt alone, and comes back`, async () => {
      const bad = await on.upstream(steps)
      const other = await on.upstream([good])
      const proxy = await on.proxy([bad, other], { env: { ...env, UPSTREAM_API_KEY: 'one-key,other-key' } })
      for (let count = 0; count < 4; count++) assert.equal((await post(proxy.chat, question)).status, 200)
      assert.ok(bad.requests.length > 1)
      assert.equal(statusOf(proxy)[0]?.state, 'closed')
    })
  }

  for (const status of [400, 401, 402, 403, 404, 422]) {
    it(`stops at ${status}, which is the client's own affair`, async () => {
      const bad = await on.upstream([answer(status, { error: theirs })])
      const other = await on.upstream([good])
      const proxy = await on.proxy([bad, other], { env })
      const response = await post(proxy.chat, question, { headers: { authorization: 'Bearer mine' } })
      assert.equal(response.status, status)
      assert.deepEqual(await response.json(), { error: theirs })
      assert.equal(other.requests.length, 0)
      assert.equal(response.headers.get('x-should-retry'), null)
    })
  }

  it('asks each upstream once before any is asked again, and no more than MAX_ATTEMPTS', async () => {
    const bad = [answer(500, { error: theirs })]
    const all = await Promise.all([1, 2, 3, 4].map(() => on.upstream(bad)))
    const proxy = await on.proxy(all, { env: { LOAD_BALANCING: 'random', MAX_ATTEMPTS: '4' } })
    const response = await post(proxy.chat, question)
    await assertError(response, 500, 'z')
    assert.deepEqual(
      all.map(({ requests }) => requests.length),
      [1, 1, 1, 1],
    )
    assert.equal(response.headers.get('x-proxy-attempts'), '4')
    assert.equal(response.headers.get('x-should-retry'), 'false')
  })

  it('asks a lone upstream again after a little while', async () => {
    const clock = new ReadClock()
    const { proxy, upstream } = await on.pair([[answer(500, {})], [cut], [good]], { clock })
    const pending = post(proxy.chat, question)
    for (let count = 0; count < 2; count++) {
      await (await upstream.next()).closed
      await until(() => statusOf(proxy)[0]?.inFlight === 0 && clock.pending === 2)
      assert.equal(upstream.requests.length, count + 1)
      clock.move(2000)
    }
    assert.deepEqual(await (await pending).json(), said('good'))
  })

  it('does not wait beyond the total time', async () => {
    const clock = new ReadClock()
    const { proxy, upstream } = await on.pair([hang], {
      clock,
      env: { FIRST_EVENT_TIMEOUT_MS: '600', REQUEST_TIMEOUT_MS: '1000' },
    })
    const pending = post(proxy.chat, question)
    await upstream.next()
    clock.move(600)
    await until(() => clock.pending === 2)
    clock.move(400)
    await assertError(await pending, 504, 'upstream_timeout')
  })

  it('retries within the budget only', async () => {
    const bad = [answer(500, { error: theirs })]
    const both = (await Promise.all([1, 2].map(() => on.upstream(bad)))) as [Upstream, Upstream]
    const proxy = await on.proxy(both, {
      env: { ...env, MAX_ATTEMPTS: '2', RETRY_BUDGET: '0.1', BREAKER_MIN_REQUESTS: '100000' },
    })
    const requests = 150
    for (let count = 0; count < requests; count++) await post(proxy.chat, question)
    const attempts = both[0].requests.length + both[1].requests.length
    assert.equal(attempts, requests + 15)
  })

  it('retries nothing with a budget of 0', async () => {
    const bad = await on.upstream([answer(500, { error: theirs })])
    const proxy = await on.proxy([bad, await on.upstream([good])], { env: { ...env, RETRY_BUDGET: '0' } })
    assert.equal((await post(proxy.chat, question)).status, 500)
  })
})
