import assert from 'node:assert/strict'
import { RetryBudget } from '../../src/upstream/budget.ts'
import { MovedClock } from '../support/clock.ts'
import { Trial } from './persisting.ts'

/** The one that counts comes last. */
const outcomes = (trial: Trial) => trial.facts.attempts.map(({ upstream, outcome }) => `${upstream} ${outcome}`)

describe('a second try beside a late one', () => {
  /** A request whose second try has begun. */
  async function two(names = ['a', 'b', 'c']) {
    const trial = new Trial(names, { hedgeAfterMs: 100 })
    const run = trial.run()
    const first = await trial.next(1)
    trial.clock.move(100)
    const second = await trial.next(2)
    return { trial, run, first, second }
  }

  it('ends the other with its first event', async () => {
    const { trial, run, second } = await two()
    second.call.onFirstEvent?.()
    second.end('ok')
    assert.equal((await run).facts.upstream, 'b')
    assert.deepEqual(outcomes(trial), ['a lost_hedge', 'b ok'])
    assert.deepEqual([trial.inFlight, trial.clock.pending], [0, 0])
  })

  it('is ended by the first event of the other', async () => {
    const { trial, run, first } = await two()
    first.call.onFirstEvent?.()
    first.end('ok')
    assert.equal((await run).facts.upstream, 'a')
    assert.deepEqual(outcomes(trial), ['b lost_hedge', 'a ok'])
  })

  it('is of no use when the other has an answer without an event', async () => {
    const { trial, run, first } = await two()
    first.end('ok')
    assert.equal((await run).facts.upstream, 'a')
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(outcomes(trial), ['b lost_hedge', 'a ok'])
    assert.equal(trial.inFlight, 0)
  })

  it('goes on when the other fails, and is followed by a third when it fails as well', async () => {
    const { trial, run, first, second } = await two()
    first.end('connect')
    second.end('server_error')
    ;(await trial.next(3)).end('ok')
    assert.equal((await run).facts.upstream, 'c')
    assert.deepEqual(
      trial.facts.attempts.map(({ retried }) => retried),
      [false, true, false],
    )
  })

  it('does not hold up a refusal', async () => {
    const { trial, run, first } = await two()
    first.end('client_error')
    await assert.rejects(run, { message: 'a client_error' })
    assert.deepEqual(outcomes(trial), ['b lost_hedge', 'a client_error'])
  })

  it('fails in the middle of its stream as a lone one would', async () => {
    const { trial, run, second } = await two()
    second.call.onFirstEvent?.()
    second.end('truncated')
    ;(await trial.next(3)).end('ok')
    assert.equal((await run).facts.upstream, 'c')
  })

  it('is followed at once by the one that was left for it, where it breaks off and there is no third', async () => {
    const { trial, run, second } = await two(['a', 'b'])
    second.call.onFirstEvent?.()
    second.end('truncated')
    ;(await trial.next(3)).end('ok')
    assert.equal((await run).facts.upstream, 'a')
    assert.deepEqual(outcomes(trial), ['a lost_hedge', 'b truncated', 'a ok'])
  })

  it('is ended with the other when the client leaves', async () => {
    const { trial, run } = await two()
    trial.leaving.abort()
    await assert.rejects(run)
    assert.deepEqual(outcomes(trial), ['b aborted', 'a aborted'])
    assert.equal(trial.inFlight, 0)
  })

  it('does not begin, nor does the first, for a client that has left already', async () => {
    const trial = new Trial(['a', 'b'], { hedgeAfterMs: 100 })
    trial.leaving.abort()
    const left = assert.rejects(trial.run())
    assert.equal(trial.tries[0]?.call.signal.aborted, true)
    await left
    assert.deepEqual(outcomes(trial), ['a aborted'])
    assert.deepEqual([trial.inFlight, trial.clock.pending], [0, 0])
  })

  for (const [name, names, parts] of [
    ['there is no other upstream', ['a'], {}],
    ['the budget is used up', ['a', 'b'], { budget: new RetryBudget(0, new MovedClock()) }],
    ['there may be one try only', ['a', 'b'], { maxAttempts: 1 }],
  ] as const) {
    it(`does not begin where ${name}`, async () => {
      const trial = new Trial(names, { hedgeAfterMs: 100, ...parts })
      const run = trial.run()
      const first = await trial.next(1)
      trial.clock.move(1000)
      assert.deepEqual([trial.tries.length, trial.inFlight], [1, 1])
      first.end('ok')
      await run
    })
  }

  it('does not begin once the first has begun to answer', async () => {
    const trial = new Trial(['a', 'b'], { hedgeAfterMs: 100 })
    const run = trial.run()
    const first = await trial.next(1)
    first.call.onFirstEvent?.()
    trial.clock.move(1000)
    first.end('ok')
    await run
    assert.equal(trial.tries.length, 1)
  })
})
