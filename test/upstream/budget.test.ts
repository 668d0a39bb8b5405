import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RetryBudget } from '../../src/upstream/budget.ts'
import { MovedClock } from '../support/clock.ts'

function granted(budget: RetryBudget, tries: number): number {
  let count = 0
  for (let i = 0; i < tries; i++) if (budget.tryRetry()) count++
  return count
}

function requests(budget: RetryBudget, count: number): void {
  for (let i = 0; i < count; i++) budget.request()()
}

describe('retry budget', () => {
  const table: [name: string, ratio: number, requests: number, expected: number][] = [
    ['a quiet proxy may still fail over', 0.2, 1, 10],
    ['a busy one gets its share', 0.2, 1000, 200],
    ['the floor is not added to the share', 0.2, 60, 12],
    ['a share of 0 allows nothing at all', 0, 1000, 0],
    ['a share of 1 allows as many retries as requests', 1, 500, 500],
  ]
  for (const [name, ratio, count, expected] of table) {
    it(name, () => {
      const budget = new RetryBudget(ratio, new MovedClock())
      requests(budget, count)
      assert.equal(granted(budget, 2000), expected)
    })
  }

  it('requests and retries are forgotten together after ten seconds', () => {
    const clock = new MovedClock()
    const budget = new RetryBudget(0.2, clock)
    requests(budget, 1000)
    assert.equal(granted(budget, 2000), 200)
    clock.move(9999)
    assert.equal(granted(budget, 2000), 0)
    clock.move(1)
    assert.equal(granted(budget, 2000), 10)
  })

  it('requests that are still under way count, however long ago they began', () => {
    const clock = new MovedClock()
    const budget = new RetryBudget(0.2, clock)
    const ends = Array.from({ length: 200 }, () => budget.request())
    clock.move(60_000)
    assert.equal(granted(budget, 2000), 40)
    for (const end of ends) end()
    clock.move(10_000)
    assert.equal(granted(budget, 2000), 10)
  })

  it('is never exceeded: retries of any ten seconds stay within the share of the requests around them', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 3000 }), asks: fc.nat(60), tries: fc.nat(60) })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.array(step, { maxLength: 60 }), (ratio, steps) => {
        const clock = new MovedClock()
        const budget = new RetryBudget(ratio, clock)
        const history: { at: number; asks: number; retries: number }[] = []
        for (const { wait, asks, tries } of steps) {
          clock.move(wait)
          requests(budget, asks)
          history.push({ at: clock.now(), asks, retries: granted(budget, tries) })
          // The window moves by a second at a time: it holds nine whole seconds and at most ten.
          const since = (ms: number) => history.filter(({ at }) => at > clock.now() - ms)
          const retries = since(9000).reduce((sum, { retries }) => sum + retries, 0)
          const asked = since(10_000).reduce((sum, { asks }) => sum + asks, 0)
          const last = history.at(-1)!
          if (last.retries > 0) assert.ok(retries <= Math.max(ratio === 0 ? 0 : 10, ratio * asked))
        }
      }),
    )
  })
})
