import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { type AttemptFacts, newAttempt, newFacts } from '../../src/facts.ts'
import { createAttempt } from '../../src/upstream/attempt.ts'
import { type Call, LOST_HEDGE } from '../../src/upstream/call.ts'
import type { Consumer, Flow } from '../../src/upstream/consumer.ts'
import { Gather } from '../../src/upstream/gather.ts'
import { Upstream as Target } from '../../src/upstream/upstream.ts'
import { MovedClock } from '../support/clock.ts'
import { answer, flood, hang, head, send } from '../support/steps.ts'
import { type Script, startUpstream, type Upstream } from '../support/upstream.ts'
import { unguarded } from './servers.ts'

/** Is content with what comes first. */
class FirstPiece implements Consumer {
  events = 0
  readonly committed = false
  whole = false
  onPiece = (flow: Flow) => flow.done()
  private flow: Flow | undefined

  begin(_head: object, flow: Flow): void {
    this.flow = flow
  }
  push(): void {
    this.events++
    if (this.flow) this.onPiece(this.flow)
  }
  end(): void {}
  destroy(): void {}
}

describe('one try at one upstream', () => {
  unguarded()
  let upstream: Upstream
  let target: Target
  let clock: MovedClock
  let facts: AttemptFacts
  let leaving: AbortController

  async function start(script: Script, consumer: Consumer) {
    await prepare(script)
    return attempt(consumer)
  }

  async function prepare(script: Script) {
    upstream = await startUpstream(script)
    clock = new MovedClock()
    target = new Target(
      { name: 'a', url: upstream.base, weight: 1, priority: 1 },
      {
        clock,
        breaker: { windowMs: 1000, minRequests: 10, failureRate: 1, openMs: 1000 },
        pool: { connectTimeoutMs: 1000, allowH2: false, connectionTtlMs: 1e9, proxy: {} },
        onTransition: () => {},
      },
    )
    leaving = new AbortController()
  }

  function attempt(consumer: Consumer) {
    facts = newAttempt('a', clock.now())
    const call: Call = {
      request: newFacts('id', 0, 'POST', '/v1/chat/completions'),
      model: undefined,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: {},
      clientKey: false,
      passKeys: true,
      body: '{}',
      consumer,
      patience: { firstEventMs: 5000, idleMs: 5000, deadlineAt: 60_000 },
      signal: leaving.signal,
      explain: (status) => new ProxyError('upstream_error', { status }),
    }
    return createAttempt(clock)(target, call, facts)
  }

  afterEach(async () => {
    await target.close()
    assert.equal(await upstream.close(), 0)
    assert.equal(clock.pending, 0)
  })

  it('ends with the consumer’s answer, and keeps the connection for the next', async () => {
    assert.equal(await start([answer(200, 'hello')], new Gather(100)), undefined)
    assert.deepEqual([facts.outcome, facts.status, facts.bytes, facts.events], ['ok', 200, 5, 1])
    // The connection is free a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await attempt(new Gather(100)), undefined)
    assert.equal(upstream.connections, 1)
  })

  it('reads what little is left behind the answer, so that the connection can be used again', async () => {
    const rest = Promise.withResolvers<void>()
    const script = [head(), send('first'), () => rest.promise, send('x'.repeat(60_000))]
    assert.equal(await start(script, new FirstPiece()), undefined)
    const left = upstream.requests[0]!
    rest.resolve()
    assert.equal(await left.closed, 'whole')
    assert.equal(facts.bytes, 5, 'what comes behind is not counted')
  })

  it('hangs up on more than a little', async () => {
    assert.equal(
      await start([head(), send('first'), flood(100_000_000, 'x'.repeat(10_000))], new FirstPiece()),
      undefined,
    )
    assert.equal(await upstream.requests[0]!.closed, 'client')
  })

  it('hangs up on an answer that never ends', async () => {
    assert.equal(await start([head(), send('first'), hang], new FirstPiece()), undefined)
    clock.move(999)
    assert.equal(upstream.requests[0]!.closedBy, undefined)
    clock.move(1)
    assert.equal(await upstream.requests[0]!.closed, 'client')
  })

  for (const [outcome, end] of [
    ['lost_hedge', () => leaving.abort(LOST_HEDGE)],
    ['aborted', () => leaving.abort()],
    ['first_event_timeout', () => clock.move(3000)],
  ] as const) {
    it(`notes how long it was silent at the least where it ends as ${outcome}`, async () => {
      await prepare([hang])
      const started = attempt(new Gather(100))
      const request = await upstream.next()
      clock.move(2000)
      end()
      assert.equal((await started)?.outcome, outcome)
      assert.equal(target.latency.at(clock.now()), clock.now())
      await request.closed
    })
  }

  it('does not begin when nobody wants it any more', async () => {
    await start([answer(200, 'hello')], new Gather(100))
    leaving.abort()
    assert.equal((await attempt(new Gather(100)))?.outcome, 'aborted')
    assert.equal(upstream.requests.length, 1)
  })

  it('sends nothing when it is given up before its connection is made', async () => {
    await prepare([answer(200, 'hello')])
    const started = attempt(new Gather(100))
    leaving.abort()
    assert.equal((await started)?.outcome, 'aborted')
    await target.close()
    assert.equal(upstream.requests.length, 0)
  })

  it('ends with what the consumer throws, at once', async () => {
    const consumer = new FirstPiece()
    consumer.onPiece = () => {
      throw new ProxyError('upstream_invalid')
    }
    const failure = await start([head(), send('first'), hang], consumer)
    assert.equal(failure?.outcome, 'invalid')
    assert.equal(await upstream.requests[0]!.closed, 'client')
  })

  it('takes a defect of the consumer for a failure as well, and goes on living', async () => {
    const consumer = new FirstPiece()
    consumer.onPiece = () => {
      throw new TypeError('a defect')
    }
    const failure = await start([head(), send('first'), hang], consumer)
    assert.deepEqual([failure?.error.code, failure?.outcome], ['internal_error', 'invalid'])
  })

  it('ends when its time is over, though a slow client keeps a whole answer from its end', async () => {
    const consumer = new FirstPiece()
    consumer.whole = true
    consumer.onPiece = (flow) => flow.pause()
    const started = start([head(), send('first'), hang], consumer)
    while (consumer.events === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.move(60_000)
    assert.equal((await started)?.outcome, 'aborted')
    assert.equal(await upstream.requests[0]!.closed, 'client')
  })

  it('counts as waiting what is not spent on the consumer', async () => {
    const consumer = new FirstPiece()
    consumer.onPiece = (flow) => {
      clock.move(30)
      if (consumer.events === 2) flow.done()
    }
    const gate = Promise.withResolvers<void>()
    const started = start([head(), send('first'), () => gate.promise, send('second')], consumer)
    while (consumer.events === 0) await new Promise((resolve) => setImmediate(resolve))
    clock.move(1000)
    gate.resolve()
    await started
    assert.deepEqual([facts.firstEventAt, facts.endedAt, facts.waitedMs], [0, 1060, 1000])
  })
})
