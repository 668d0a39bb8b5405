import assert from 'node:assert/strict'
import { saying, sseBody } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, send } from '../support/steps.ts'
import type { Upstream } from '../support/upstream.ts'
import { assertError, setting } from './setting.ts'

const good: Step[] = [send(sseBody(saying('good'), { done: true }))]
const bad: Step[] = [answer(500, { error: { message: 'x' } })]

describe('which upstream a request goes to', () => {
  const on = setting()

  async function three(settings: (all: readonly Upstream[]) => string, env: Record<string, string> = {}) {
    const all = (await Promise.all([1, 2, 3].map(() => on.upstream(good)))) as [Upstream, Upstream, Upstream]
    const proxy = await on.proxy([], { config: settings(all), env })
    return { all, proxy }
  }

  const counts = (all: readonly Upstream[]) => all.map(({ requests }) => requests.length)

  async function ask(proxy: RunningProxy, body: object, times = 1) {
    let last: Response | undefined
    for (let count = 0; count < times; count++) last = await post(proxy.chat, { ...question, ...body })
    return last!
  }

  function listed(all: readonly Upstream[], more: readonly object[]) {
    return JSON.stringify({ upstreams: all.map(({ base }, at) => ({ name: 'abc'[at], url: base, ...more[at] })) })
  }

  for (const strategy of ['random', 'round-robin', 'least-busy', 'latency']) {
    it(`shares out by ${strategy}`, async () => {
      const { all, proxy } = await three((ups) => listed(ups, []), { LOAD_BALANCING: strategy })
      await ask(proxy, {}, 60)
      assert.equal(
        counts(all).reduce((sum, count) => sum + count),
        60,
      )
      assert.ok(
        counts(all).every((count) => count > 0),
        `${counts(all)}`,
      )
    })
  }

  it('follows the weights', async () => {
    const { all, proxy } = await three((ups) => listed(ups, [{ weight: 3 }, { weight: 1 }, { weight: 0 }]), {
      LOAD_BALANCING: 'round-robin',
    })
    const response = await ask(proxy, {}, 8)
    assert.deepEqual(counts(all), [6, 2, 0])
    assert.match(response.headers.get('x-proxy-upstream') ?? '', /^[ab]$/)
  })

  it('asks a lower priority only when the better ones cannot answer', async () => {
    const { all, proxy } = await three((ups) => listed(ups, [{ priority: 2 }, { priority: 1 }, { priority: 2 }]))
    await ask(proxy, {}, 10)
    assert.deepEqual(counts(all), [0, 10, 0])
    all[1].play(bad)
    assert.equal((await ask(proxy, {})).status, 200)
    assert.deepEqual(counts(all)[1], 11)
  })

  it('asks about a model where it is offered, by the upstream’s own name for it', async () => {
    const { all, proxy } = await three((ups) =>
      listed(ups, [
        { models: { map: { mine: 'vendor/test-9b' } } },
        { models: { allow: ['other-*'] } },
        { priority: 9 },
      ]),
    )
    for (const upstream of all) upstream.play([answer(200, { id: 'x', object: 'model' })])
    const about = (model: string) => fetch(`${proxy.base}/models/${model}`)
    for (const model of ['mine', 'mine', 'other-1', 'other-1', 'third/of:all']) {
      assert.equal((await about(model)).status, 200)
    }
    const paths = all.map(({ requests }) => requests.map(({ path }) => path))
    assert.deepEqual(paths, [
      ['/v1/models/vendor%2Ftest-9b', '/v1/models/vendor%2Ftest-9b'],
      ['/v1/models/other-1', '/v1/models/other-1'],
      ['/v1/models/third%2Fof%3Aall'],
    ])
    all[2].play([answer(404, {})])
    await assertError(await about('third'), 404, 'upstream_error')
  })

  it('writes the upstream’s own name of the model into the request', async () => {
    const { all, proxy } = await three((ups) =>
      listed(ups, [
        { models: { map: { 'test-model': 'vendor/test-9b' } } },
        { models: { allow: ['other-*'] } },
        { priority: 9 },
      ]),
    )
    await ask(proxy, {}, 5)
    await ask(proxy, { model: 'other-1' }, 5)
    await ask(proxy, { model: 'third' }, 1)
    assert.deepEqual(counts(all), [5, 5, 1])
    assert.equal(all[0].requests[0]?.json.model, 'vendor/test-9b')
    assert.equal(all[1].requests[0]?.json.model, 'other-1')
    assert.equal(all[0].requests[0]?.body.toString().indexOf('"model":"vendor/test-9b"'), 1)
  })

  it('answers 404 for a model that no upstream offers', async () => {
    const { all, proxy } = await three((ups) =>
      listed(
        ups,
        [{}, {}, {}].map(() => ({ models: { allow: ['a', 'b-*'] } })),
      ),
    )
    for (const model of ['c', 'A', 'b', '__proto__', 'constructor']) {
      const { error } = await assertError(await ask(proxy, { model }), 404, 'model_not_found')
      assert.equal(error.param, 'model')
    }
    assert.deepEqual(counts(all), [0, 0, 0])
  })

  it('moves only to upstreams that offer the model', async () => {
    const { all, proxy } = await three((ups) =>
      listed(ups, [{ models: { allow: ['test-model'] }, priority: 1 }, { models: { allow: ['x'] } }, { priority: 3 }]),
    )
    all[0].play(bad)
    assert.equal((await ask(proxy, {})).status, 200)
    assert.deepEqual(counts(all), [1, 0, 1])
  })

  for (const [name, keyed] of [
    ['prompt_cache_key', (key: string) => ({ prompt_cache_key: key })],
    ['user', (key: string) => ({ user: key })],
  ] as const) {
    it(`keeps requests of one ${name} together`, async () => {
      const { all, proxy } = await three((ups) => listed(ups, []), { LOAD_BALANCING: 'hash' })
      const homes = new Map<string, string | null>()
      for (let round = 0; round < 3; round++) {
        for (let key = 0; key < 12; key++) {
          const home = (await ask(proxy, keyed(`key-${key}`))).headers.get('x-proxy-upstream')
          assert.equal(home, homes.get(`key-${key}`) ?? home)
          homes.set(`key-${key}`, home)
        }
      }
      assert.ok(
        counts(all).every((count) => count > 0 && count % 3 === 0),
        `${counts(all)}`,
      )
    })
  }

  it('keeps a session together by its header, and moves it when its upstream fails', async () => {
    const { all, proxy } = await three((ups) => listed(ups, []), { LOAD_BALANCING: 'hash' })
    const headers = { 'x-session-id': 'session-1' }
    const home = (await post(proxy.chat, question, { headers })).headers.get('x-proxy-upstream') ?? ''
    all['abc'.indexOf(home)]?.play(bad)
    const moved = await post(proxy.chat, question, { headers })
    assert.equal(moved.status, 200)
    assert.notEqual(moved.headers.get('x-proxy-upstream'), home)
  })

  it('respects how much one upstream may have under way', async () => {
    const gate = Promise.withResolvers<void>()
    const held = await on.upstream([() => gate.promise, ...good])
    const config = JSON.stringify({ upstreams: [{ name: 'a', url: held.base, limits: { concurrency: 1 } }] })
    const proxy = await on.proxy([], { config })
    const first = post(proxy.chat, question)
    await held.next()
    const second = await post(proxy.chat, question)
    assert.equal(second.headers.get('retry-after'), '1')
    await assertError(second, 503, 'no_upstream')
    gate.resolve()
    assert.equal((await first).status, 200)
  })
})
