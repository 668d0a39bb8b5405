import { PeakEwma } from '../../src/upstream/latency.ts'
import type { Candidate } from '../../src/upstream/pick.ts'
import type { Draw } from '../../src/upstream/strategy.ts'

/** What choosing sees of an upstream, with everything that a test may want to set. */
export interface TestCandidate extends Candidate {
  inFlight: number
  readonly latency: PeakEwma
}

interface Wishes {
  weight?: number
  priority?: number
  models?: Candidate['config']['models']
  concurrency?: number
  inFlight?: number
  /** How long it cannot be used, ms; 0 with `usable: false` is one that waits for its probe's verdict. */
  waitMs?: number
  usable?: boolean
  spared?: boolean
}

/** An idle upstream of weight 1 that can be used, but for what is wished otherwise. */
export function candidate(name: string, wishes: Wishes = {}): TestCandidate {
  const { weight = 1, priority = 0, models, concurrency, inFlight = 0, waitMs = 0, usable = waitMs === 0 } = wishes
  const { spared = false } = wishes
  return {
    config: {
      name,
      url: 'http://127.0.0.1/v1',
      weight,
      priority,
      ...(models && { models }),
      ...(concurrency !== undefined && { limits: { concurrency } }),
    },
    breaker: { usable: () => usable, waitMs: () => waitMs },
    sparing: { active: spared },
    inFlight,
    latency: new PeakEwma(),
  }
}

/** A repeatable source of numbers between 0 and 1 (mulberry32), so that shares can be checked to the digit. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What a choice may depend on, repeatable. */
export function draws(changes: Partial<Draw> = {}): Draw {
  return { random: seeded(1), now: 0, hashKey: undefined, ...changes }
}

/** How often each name was chosen. */
export function tally(names: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
