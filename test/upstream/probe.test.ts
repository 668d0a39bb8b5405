import assert from 'node:assert/strict'
import { Prober, type SendProbe } from '../../src/upstream/probe.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { MovedClock } from '../support/clock.ts'

interface Sent {
  upstream: Upstream
  body: string
  signal: AbortSignal
  answer(answered: boolean | Error): Promise<void>
}

/** Two upstreams and a prober whose sender the test answers for. */
function scene() {
  const clock = new MovedClock()
  const sent: Sent[] = []
  const send: SendProbe = (upstream, body, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const answer = async (answered: boolean | Error) => {
      if (answered instanceof Error) reject(answered)
      else resolve(answered)
      // The prober hears of it a few microtasks later.
      await new Promise((done) => setImmediate(done))
    }
    sent.push({ upstream, body, signal, answer })
    return promise
  }
  const prober = new Prober({ body: '{"stream":true}', send }, clock)
  const make = (name: string) =>
    new Upstream(
      { name, url: 'http://127.0.0.1:1/v1', weight: 1, priority: 0 },
      {
        clock,
        breaker: { windowMs: 30_000, minRequests: 1, failureRate: 0.5, openMs: 1000, probesReserved: true },
        pool: { connectTimeoutMs: 1000, allowH2: false, connectionTtlMs: 1000, proxy: {} },
        onTransition: (upstream, transition) => prober.notice(upstream, transition),
      },
    )
  return { clock, sent, prober, a: make('a'), b: make('b') }
}

describe('probing', () => {
  it('asks with the configured body when the open time is over, and not before', () => {
    const { clock, sent, a } = scene()
    a.enter()('failure')
    clock.move(999)
    assert.equal(sent.length, 0)
    clock.move(1)
    assert.deepEqual([sent.length, sent[0]!.upstream, sent[0]!.body], [1, a, '{"stream":true}'])
  })

  it('an answer closes the breaker, and only then may users come', async () => {
    const { clock, sent, a } = scene()
    a.enter()('failure')
    clock.move(1000)
    assert.equal(a.breaker.usable(), false)
    assert.equal(a.inFlight, 1)
    await sent[0]!.answer(true)
    assert.deepEqual([a.breaker.state, a.breaker.usable(), a.inFlight], ['closed', true, 0])
    assert.equal(clock.pending, 0)
  })

  for (const [how, answer] of [
    ['no answer', false],
    ['a probe that cannot be sent', new Error('no')],
  ] as const) {
    it(`${how} opens it for twice as long and plans the next probe`, async () => {
      const { clock, sent, a } = scene()
      a.enter()('failure')
      clock.move(1000)
      await sent[0]!.answer(answer)
      assert.deepEqual([a.breaker.state, a.breaker.waitMs()], ['open', 2000])
      clock.move(1999)
      assert.equal(sent.length, 1)
      clock.move(1)
      assert.equal(sent.length, 2)
    })
  }

  it('probes each upstream in its own time', () => {
    const { clock, sent, a, b } = scene()
    a.enter()('failure')
    clock.move(500)
    b.enter()('failure')
    clock.move(500)
    assert.deepEqual(
      sent.map(({ upstream }) => upstream.name),
      ['a'],
    )
    clock.move(500)
    assert.deepEqual(
      sent.map(({ upstream }) => upstream.name),
      ['a', 'b'],
    )
  })

  it('waits longer when another process says that the opening lasts longer', () => {
    const { clock, sent, a } = scene()
    a.enter()('failure')
    a.breaker.hear({ state: 'open', until: clock.wall() + 5000 })
    clock.move(4999)
    assert.equal(sent.length, 0)
    clock.move(1)
    assert.equal(sent.length, 1)
  })

  it('does not miss its time when somebody else saw the breaker turn half-open first', () => {
    const { clock, sent, a } = scene()
    clock.after(1000, () => assert.equal(a.breaker.state, 'half_open'))
    a.enter()('failure')
    clock.move(1000)
    assert.equal(sent.length, 1)
  })

  it('is called off when another process says that the upstream is back', () => {
    const { clock, sent, a } = scene()
    a.enter()('failure')
    a.breaker.hear({ state: 'closed', until: 0 })
    assert.equal(clock.pending, 0)
    clock.move(60_000)
    assert.equal(sent.length, 0)
  })

  it('an upstream that rests as well is probed when both times are over', () => {
    const { clock, sent, a } = scene()
    a.enter()('failure')
    a.breaker.rest(3000)
    clock.move(2999)
    assert.equal(sent.length, 0)
    clock.move(1)
    assert.equal(sent.length, 1)
  })

  it('leaves no timer behind when it stops, and plans nothing more', () => {
    const { clock, sent, prober, a, b } = scene()
    a.enter()('failure')
    prober.stop()
    assert.equal(clock.pending, 0)
    b.enter()('failure')
    assert.equal(clock.pending, 0)
    assert.equal(sent.length, 0)
  })

  it('aborts the probe that is under way when it stops, and blames nobody', async () => {
    const { clock, sent, prober, a } = scene()
    a.enter()('failure')
    clock.move(1000)
    prober.stop()
    assert.equal(sent[0]!.signal.aborted, true)
    await sent[0]!.answer(false)
    assert.deepEqual([a.breaker.state, a.inFlight, clock.pending], ['half_open', 0, 0])
  })
})
