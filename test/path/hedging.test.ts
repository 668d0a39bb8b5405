import assert from 'node:assert/strict'
import { chunk, said, saying, sseBody, sseEvent } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, compressed, cut, hang, head, send } from '../support/steps.ts'
import type { Script, Upstream } from '../support/upstream.ts'
import { metric, ReadClock, Spoken, setting, until } from './setting.ts'

const good = (text: string): Step[] => [send(sseBody(saying(text), { done: true }))]
const env = { HEDGE_AFTER_MS: '100', LOAD_BALANCING: 'round-robin' }

for (const stream of [false, true]) {
  describe(`a second upstream for a late ${stream ? 'stream' : 'answer'}`, () => {
    const on = setting()
    let clock: ReadClock
    let first: Upstream
    let second: Upstream
    let proxy: RunningProxy

    beforeEach(() => {
      clock = new ReadClock()
    })

    async function start(one: Script, two: Script, more: Record<string, string> = {}) {
      first = await on.upstream(one)
      second = await on.upstream(two)
      proxy = await on.proxy([first, second], { clock, env: { ...env, ...more } })
      const pending = post(proxy.chat, { ...question, stream })
      return { pending, request: await first.next() }
    }

    async function assertSays(response: Response, text: string) {
      assert.equal(response.status, 200)
      const body = await response.text()
      if (stream) assert.equal(body, sseBody(saying(text), { done: true }))
      else assert.deepEqual(JSON.parse(body), said(text))
    }

    it('is asked when the first has been silent for long enough, and the slower one is left', async () => {
      const { pending, request } = await start([head(), send(': waiting\n\n'), hang], good('second'))
      clock.move(99)
      assert.equal(second.requests.length, 0)
      clock.move(1)
      const response = await pending
      assert.match(String(response.headers.get('server-timing')), /^proxy;dur=0\.0, upstream;dur=100\.0$/)
      await assertSays(response, 'second')
      assert.equal(await request.closed, 'client')
      assert.equal(response.headers.get('x-proxy-attempts'), '2')
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.deepEqual(
        [line.upstream_ms, line.overhead_ms],
        [100, 0],
        'the time before the hedge was waited for as well',
      )
      assert.equal(await metric(proxy, 'proxy_upstream_attempts_total', { outcome: 'lost_hedge' }), 1)
      assert.equal(await metric(proxy, 'proxy_retries_total'), 0)
    })

    it('loses when the first answers before it', async () => {
      const gate = Promise.withResolvers<void>()
      const { pending } = await start([() => gate.promise, ...good('first')], [hang])
      clock.move(100)
      const loser = await second.next()
      gate.resolve()
      const response = await pending
      assert.equal(response.headers.get('x-proxy-upstream'), `127.0.0.1:${first.port}`)
      await assertSays(response, 'first')
      assert.equal(await loser.closed, 'client')
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.equal(line.upstream, `127.0.0.1:${first.port}`)
    })

    it('is not asked when the first has begun', async () => {
      const spoken = new Spoken(clock)
      const { pending } = await start([head(), spoken.step], good('second'))
      await spoken.say(sseBody(saying('first').slice(0, 1)))
      clock.move(1000)
      await spoken.say(sseBody(saying('first').slice(1), { done: true }))
      clock.move(1000)
      await assertSays(await pending, 'first')
      assert.equal(second.requests.length, 0)
      clock.move(1000)
    })

    it('goes on alone when the first fails, and the first when it fails itself', async () => {
      const gate = Promise.withResolvers<void>()
      const { pending } = await start([() => gate.promise, cut], [() => gate.promise, ...good('second')])
      clock.move(100)
      await second.next()
      gate.resolve()
      await assertSays(await pending, 'second')
    })

    const error = { error: { message: 'x' } }
    // A stream that has begun belongs to the client: there the event before the error wins.
    const failures = stream ? [[error]] : [[error], [...saying('x').slice(0, 1), error]]
    for (const events of failures) {
      it(`does not win by an error that is event ${events.length}`, async () => {
        const gate = Promise.withResolvers<void>()
        const { pending, request } = await start([() => gate.promise, ...good('first')], [send(sseBody(events))])
        clock.move(100)
        await (await second.next()).closed
        assert.equal(request.closedBy, undefined)
        gate.resolve()
        await assertSays(await pending, 'first')
      })
    }

    it('needs not be waited for when the first refuses what any would refuse', async () => {
      const gate = Promise.withResolvers<void>()
      const { pending } = await start([() => gate.promise, answer(400, { error: { message: 'no' } })], [hang])
      clock.move(100)
      const loser = await second.next()
      gate.resolve()
      assert.equal((await pending).status, 400)
      assert.equal(await loser.closed, 'client')
    })

    it('is not asked where the budget is used up', async () => {
      const gate = Promise.withResolvers<void>()
      // What even the smallest budget allows in its window, for retries.
      const failures = Array.from({ length: 10 }, () => [answer(500, {})])
      const more = { RETRY_BUDGET: '0.01', MAX_ATTEMPTS: '2', BREAKER_MIN_REQUESTS: '100' }
      const { pending: failed } = await start(
        [...failures, [() => gate.promise, ...good('first')]],
        [...failures, good('second')],
        more,
      )
      assert.equal((await failed).status, 500)
      for (const _ of failures.slice(1)) assert.equal((await post(proxy.chat, { ...question, stream })).status, 500)
      const pending = post(proxy.chat, { ...question, stream })
      await until(() => first.requests.length === 11)
      clock.move(1000)
      gate.resolve()
      await assertSays(await pending, 'first')
      assert.equal(second.requests.length, 10)
    })

    it('gives one answer where both are compressed and speak at once', async () => {
      const gate = Promise.withResolvers<void>()
      const zipped = (text: string) => [
        () => gate.promise,
        compressed('gzip', sseBody(saying(text), { done: true }), undefined, 1000),
      ]
      const { pending } = await start(zipped('same'), zipped('same'))
      clock.move(100)
      await second.next()
      gate.resolve()
      await assertSays(await pending, 'same')
    })

    it('is followed by a third try when both fail', async () => {
      const gate = Promise.withResolvers<void>()
      const { pending } = await start(
        [[() => gate.promise, cut], good('third')],
        [[() => gate.promise, cut], good('third')],
      )
      clock.move(100)
      await second.next()
      gate.resolve()
      await until(() => first.busy + second.busy === 0)
      const answered = pending.then((response) => response)
      let over = false
      answered.finally(() => {
        over = true
      })
      await until(() => {
        clock.move(100)
        return over
      })
      await assertSays(await answered, 'third')
    })
  })
}

describe('an upstream that was left because another had begun', () => {
  const on = setting()

  it('is the next to be asked where that one breaks off, since it has not failed', async () => {
    const clock = new ReadClock()
    const [begins, breaks] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const begun = send(sseEvent(chunk({ content: 'lost' })))
    const best = await on.upstream([head(), () => begins.promise, begun, () => breaks.promise, cut])
    const spare = await on.upstream([[hang], good('spare')])
    const upstreams = [best, spare].map(({ base }, priority) => ({ name: `p${priority}`, url: base, priority }))
    const proxy = await on.proxy([], { clock, env, config: JSON.stringify({ upstreams }) })
    const pending = post(proxy.chat, question)
    await best.next()
    clock.move(100)
    const left = await spare.next()
    begins.resolve()
    assert.equal(await left.closed, 'client')
    breaks.resolve()
    await spare.next()
    assert.deepEqual(await (await pending).json(), said('spare'))
    assert.equal(best.requests.length, 1)
  })
})
