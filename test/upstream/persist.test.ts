import assert from 'node:assert/strict'
import { RetryBudget } from '../../src/upstream/budget.ts'
import { MovedClock } from '../support/clock.ts'
import { Trial } from './persisting.ts'

/** Lets what has been promised happen. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('asking upstream after upstream', () => {
  it('is done with the first that answers', async () => {
    const trial = new Trial(['a', 'b'])
    const run = trial.run()
    ;(await trial.next(1)).end('ok')
    assert.equal((await run).facts.upstream, 'a')
    assert.deepEqual([trial.tries.length, trial.inFlight, trial.clock.pending], [1, 0, 0])
    assert.equal(trial.facts.attempts[0]?.retried, false)
  })

  it('asks others first, and notes which tries were followed by another', async () => {
    const trial = new Trial(['a', 'b', 'c'])
    const run = trial.run()
    ;(await trial.next(1)).end('server_error')
    ;(await trial.next(2)).end('connect')
    ;(await trial.next(3)).end('truncated')
    await assert.rejects(run, { message: 'c truncated' })
    assert.deepEqual(
      trial.facts.attempts.map(({ upstream, retried }) => [upstream, retried]),
      [
        ['a', true],
        ['b', true],
        ['c', false],
      ],
    )
    assert.equal(trial.inFlight, 0)
  })

  it('stops at what nobody could do better', async () => {
    const trial = new Trial(['a', 'b'])
    const run = trial.run()
    ;(await trial.next(1)).end('client_error')
    await assert.rejects(run, { message: 'a client_error' })
    assert.equal(trial.tries.length, 1)
  })

  it('stops once the client has seen a part of the answer', async () => {
    const trial = new Trial(['a', 'b'])
    trial.committed = true
    const run = trial.run()
    ;(await trial.next(1)).end('truncated')
    await assert.rejects(run, { message: 'a truncated' })
  })

  it('stops when the budget is used up', async () => {
    const budget = new RetryBudget(0, new MovedClock())
    const trial = new Trial(['a', 'b'], { budget })
    const run = trial.run()
    ;(await trial.next(1)).end('server_error')
    await assert.rejects(run, { message: 'a server_error' })
    assert.equal(trial.facts.attempts[0]?.retried, false)
  })

  it('stops when the time is over', async () => {
    const trial = new Trial(['a', 'b'])
    const run = trial.run(500)
    const first = await trial.next(1)
    trial.clock.move(500)
    first.end('idle_timeout')
    await assert.rejects(run, { message: 'a idle_timeout' })
  })

  for (const [name, deadlineAt, begins, state] of [
    ['had all of a request’s time without an event', 800, 0, 'open'],
    ['had nearly all of it', 800, 70, 'open'],
    ['began when a slow upload had taken half of it', 800, 400, 'closed'],
    ['had as long as the first event may take', 1800, 850, 'open'],
    ['had less than that', 1800, 1000, 'closed'],
  ] as const) {
    it(`blames an upstream for the total time that ${name}: it is ${state} after a few`, async () => {
      for (const events of [0, 1]) {
        const trial = new Trial(['a'])
        trial.clock.move(begins)
        const runs = [1, 2, 3].map(() => assert.rejects(trial.run(deadlineAt)))
        await trial.next(3)
        trial.clock.move(deadlineAt - begins)
        for (const attempt of trial.facts.attempts) attempt.events = events
        for (const { end } of trial.tries) end('total_timeout')
        await Promise.all(runs)
        assert.equal(trial.balancer.status()[0]?.state, events === 0 ? state : 'closed')
      }
    })
  }

  it('stops when the client has left', async () => {
    const trial = new Trial(['a', 'b'])
    const run = trial.run()
    await trial.next(1)
    trial.leaving.abort()
    await assert.rejects(run, { message: 'a aborted' })
    assert.equal(trial.inFlight, 0)
  })

  it('waits between tries at the same upstream, twice as long at most each time', async () => {
    const trial = new Trial(['a'])
    const run = trial.run()
    for (const [count, wait] of [
      [1, 100],
      [2, 200],
    ] as const) {
      ;(await trial.next(count)).end('server_error')
      await turn()
      assert.equal(trial.inFlight, 0, 'no place is held while it waits')
      trial.clock.move(wait - 1)
      await turn()
      assert.equal(trial.tries.length, count)
      trial.clock.move(1)
      await turn()
    }
    ;(await trial.next(3)).end('ok')
    assert.equal((await run).facts.upstream, 'a')
    assert.equal(trial.facts.upstreamMs, 300, 'what it waited is no work of the proxy')
  })

  it('tells the last failure, not that nobody is left', async () => {
    const trial = new Trial(['a'], { maxAttempts: 9 })
    // Its breaker opens with the third.
    const failed = assert.rejects(trial.run(), { message: 'a server_error' })
    for (let count = 1; count <= 3; count++) {
      ;(await trial.next(count)).end('server_error')
      await turn()
      trial.clock.move(2000)
    }
    await failed
    assert.equal(trial.tries.length, 3)
    assert.equal(trial.facts.attempts[2]?.retried, false)
  })

  it('says that nobody can be asked where that is so from the beginning', async () => {
    const trial = new Trial(['a'])
    trial.balancer.upstreams[0]?.breaker.trip('unauthorized')
    await assert.rejects(trial.run(), { code: 'no_upstream' })
    assert.equal(trial.tries.length, 0)
  })

  it('asks the same one again, at once, when it refused only what was added', async () => {
    const trial = new Trial(['a', 'b'], { maxAttempts: 1 })
    trial.adapts = true
    const run = trial.run()
    ;(await trial.next(1)).end('client_error')
    const second = await trial.next(2)
    assert.equal(second.upstream, 'a')
    second.end('ok')
    await run
    assert.equal(trial.inFlight, 0)
    assert.deepEqual(trial.adapted, ['a'])
  })

  for (const outcome of ['client_error', 'server_error'] as const) {
    it(`learns nothing from what was left out when that ends with ${outcome} as well`, async () => {
      const trial = new Trial(['a'], { maxAttempts: 1 })
      trial.adapts = true
      const failed = assert.rejects(trial.run(), { message: `a ${outcome}` })
      ;(await trial.next(1)).end('client_error')
      ;(await trial.next(2)).end(outcome)
      await failed
      assert.deepEqual(trial.adapted, [])
    })
  }
})
