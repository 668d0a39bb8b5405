import assert from 'node:assert/strict'
import { createStrategy, type Draw, type StrategyName } from '../../src/upstream/strategy.ts'
import { candidate, draws, type TestCandidate, tally } from './candidates.ts'

const ROUNDS = 10_000

function choose(name: StrategyName, candidates: readonly TestCandidate[], rounds: number, draw: Draw): string[] {
  const strategy = createStrategy(name)
  return Array.from({ length: rounds }, () => strategy(candidates, draw).config.name)
}

/** Shares to the nearest 5 %; the source is seeded, so they are the same on every run. */
function shares(names: string[]): Record<string, number> {
  const counts = tally(names)
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, Math.round((count / ROUNDS) * 20) * 5]),
  )
}

describe('weighted random', () => {
  it('gives each upstream the share of its weight', () => {
    const candidates = [candidate('a', { weight: 5 }), candidate('b', { weight: 3 }), candidate('c', { weight: 2 })]
    assert.deepEqual(shares(choose('random', candidates, ROUNDS, draws())), { a: 50, b: 30, c: 20 })
  })

  it('takes weights that are not whole numbers', () => {
    const candidates = [candidate('a', { weight: 0.3 }), candidate('b', { weight: 0.1 })]
    assert.deepEqual(shares(choose('random', candidates, ROUNDS, draws())), { a: 75, b: 25 })
  })

  it('treats upstreams of weight 0 as equals when they are all that is left', () => {
    const candidates = [candidate('a', { weight: 0 }), candidate('b', { weight: 0 })]
    assert.deepEqual(shares(choose('random', candidates, ROUNDS, draws())), { a: 50, b: 50 })
  })

  it('reaches both ends of the list', () => {
    const candidates = [candidate('a'), candidate('b'), candidate('c')]
    const strategy = createStrategy('random')
    const at = (random: number) => strategy(candidates, draws({ random: () => random })).config.name
    assert.deepEqual([at(0), at(1 - Number.EPSILON)], ['a', 'c'])
  })
})

describe('round-robin', () => {
  it('spreads the turns of a heavy upstream instead of bunching them', () => {
    const candidates = [candidate('a', { weight: 5 }), candidate('b'), candidate('c')]
    assert.equal(choose('round-robin', candidates, 14, draws()).join(''), 'aabacaaaabacaa')
  })

  it('goes on evenly when one drops out and returns', () => {
    const [a, b, c] = [candidate('a'), candidate('b'), candidate('c')]
    const strategy = createStrategy('round-robin')
    const turn = (...candidates: TestCandidate[]) => strategy(candidates, draws()).config.name
    const before = [turn(a, b, c), turn(a, b, c), turn(a, b, c)]
    const without = Array.from({ length: 100 }, () => turn(a, c))
    const after = Array.from({ length: 30 }, () => turn(a, b, c))
    assert.deepEqual(before, ['a', 'b', 'c'])
    assert.deepEqual(tally(without), { a: 50, c: 50 })
    // It has saved up no turns while it was away.
    assert.deepEqual(tally(after), { a: 10, b: 10, c: 10 })
  })

  it('remembers its turns on its own, not together with another balancer', () => {
    const candidates = [candidate('a'), candidate('b')]
    const first = createStrategy('round-robin')
    const second = createStrategy('round-robin')
    assert.equal(first(candidates, draws()).config.name, 'a')
    assert.equal(second(candidates, draws()).config.name, 'a')
  })
})

describe('least busy', () => {
  it('takes the less busy of two', () => {
    const candidates = [candidate('a', { inFlight: 3 }), candidate('b', { inFlight: 2 })]
    assert.deepEqual(tally(choose('least-busy', candidates, 100, draws())), { b: 100 })
  })

  it('measures load by weight', () => {
    const candidates = [candidate('a', { inFlight: 5, weight: 10 }), candidate('b', { inFlight: 1 })]
    assert.deepEqual(tally(choose('least-busy', candidates, 100, draws())), { a: 100 })
  })

  it('never takes the busiest, and does not send everybody to the idlest', () => {
    const candidates = ['a', 'b', 'c', 'd'].map((name, load) => candidate(name, { inFlight: load }))
    // Of the six pairs a wins three, b two, c one, and d none.
    assert.deepEqual(shares(choose('least-busy', candidates, ROUNDS, draws())), { a: 50, b: 35, c: 15 })
  })

  it('shares by weight while all are idle', () => {
    const candidates = [candidate('a', { weight: 3 }), candidate('b')]
    assert.deepEqual(shares(choose('least-busy', candidates, ROUNDS, draws())), { a: 75, b: 25 })
  })
})

describe('latency', () => {
  it('takes the one that answers first', () => {
    const [a, b] = [candidate('a'), candidate('b')]
    a.latency.observe(300, 0)
    b.latency.observe(200, 0)
    assert.deepEqual(tally(choose('latency', [a, b], 100, draws())), { b: 100 })
  })

  it('turns to a slower one when the fast one has more to do than it is faster', () => {
    const [slow, fast] = [candidate('slow'), candidate('fast')]
    slow.latency.observe(300, 0)
    fast.latency.observe(100, 0)
    const at = (inFlight: number) => {
      fast.inFlight = inFlight
      return choose('latency', [slow, fast], 1, draws())[0]
    }
    assert.deepEqual([at(0), at(1), at(3)], ['fast', 'fast', 'slow'])
  })

  it('tries one that has never answered, but only once at a time', () => {
    const [known, unknown] = [candidate('known'), candidate('unknown')]
    known.latency.observe(10, 0)
    assert.deepEqual(choose('latency', [known, unknown], 1, draws()), ['unknown'])
    unknown.inFlight = 1
    assert.deepEqual(choose('latency', [known, unknown], 1, draws()), ['known'])
  })

  it('comes back in time to one that was slow once', () => {
    const [slow, steady] = [candidate('slow'), candidate('steady')]
    slow.latency.observe(5000, 0)
    const chosenAt = (now: number) => {
      steady.latency.observe(200, now)
      return choose('latency', [slow, steady], 1, draws({ now }))[0]
    }
    // 5000 ms have faded to 200 after 10 s × ln 25 = 32.2 s.
    assert.deepEqual([chosenAt(1000), chosenAt(32_000), chosenAt(32_500)], ['steady', 'steady', 'slow'])
  })

  it('shares by weight among those of which nothing is known', () => {
    const candidates = [candidate('a', { weight: 3 }), candidate('b')]
    assert.deepEqual(shares(choose('latency', candidates, ROUNDS, draws())), { a: 75, b: 25 })
  })
})

describe('hash', () => {
  it('shares at random what has no key', () => {
    const candidates = [candidate('a'), candidate('b')]
    assert.deepEqual(shares(choose('hash', candidates, ROUNDS, draws())), { a: 50, b: 50 })
  })

  it('sends one key to one upstream', () => {
    const candidates = [candidate('a'), candidate('b'), candidate('c')]
    assert.equal(new Set(choose('hash', candidates, 100, draws({ hashKey: 'user-1' }))).size, 1)
  })
})
