import { hashBounded } from './hash.ts'
import { type Loaded, weightOf } from './load.ts'

export type StrategyName = 'random' | 'round-robin' | 'least-busy' | 'latency' | 'hash'

/** What a choice may depend on besides the candidates. */
export interface Draw {
  /** 0 ≤ random() < 1. */
  readonly random: () => number
  /** The clock's milliseconds. */
  readonly now: number
  readonly hashKey: string | undefined
}

/** Chooses one of two or more candidates. */
export type Strategy = <T extends Loaded>(candidates: readonly T[], draw: Draw) => T

/** Load of an upstream that is busy but has never answered: it is tried, but not by everyone at once. */
const UNKNOWN_MS = 1e9

/** A fresh strategy of that name; round-robin remembers whose turn it is. */
export function createStrategy(name: StrategyName): Strategy {
  switch (name) {
    case 'random':
      return weightedRandom
    case 'round-robin':
      return roundRobin()
    case 'least-busy':
      return leastBusy
    case 'latency':
      return leastLatency
    case 'hash':
      // Without a key there is nothing to keep together.
      return (candidates, draw) =>
        draw.hashKey === undefined ? weightedRandom(candidates, draw) : hashBounded(candidates, draw.hashKey)
  }
}

function weightedRandom<T extends Loaded>(candidates: readonly T[], draw: Draw): T {
  const total = candidates.reduce((sum, candidate) => sum + weightOf(candidate), 0)
  let left = draw.random() * total
  for (const candidate of candidates) {
    left -= weightOf(candidate)
    if (left < 0) return candidate
  }
  // Only rounding gets here.
  return candidates.at(-1)!
}

/** nginx's smooth weighted round-robin: 5:1:1 is served as a a b a c a a, not as a a a a a b c. */
function roundRobin(): Strategy {
  const credits = new WeakMap<object, number>()
  return (candidates) => {
    let best = candidates[0]!
    let bestCredit = Number.NEGATIVE_INFINITY
    let total = 0
    for (const candidate of candidates) {
      const credit = (credits.get(candidate) ?? 0) + weightOf(candidate)
      credits.set(candidate, credit)
      total += weightOf(candidate)
      if (credit > bestCredit) {
        best = candidate
        bestCredit = credit
      }
    }
    credits.set(best, bestCredit - total)
    return best
  }
}

/** Power of two choices: of two drawn by weight, the less busy. Looking at all would send every worker to the same one. */
function leastBusy<T extends Loaded>(candidates: readonly T[], draw: Draw): T {
  const first = weightedRandom(candidates, draw)
  const second = weightedRandom(
    candidates.filter((candidate) => candidate !== first),
    draw,
  )
  return second.inFlight / weightOf(second) < first.inFlight / weightOf(first) ? second : first
}

/** The least expected wait: peak EWMA × (what is under way + 1), as in Finagle and linkerd, by weight. */
function leastLatency<T extends Loaded>(candidates: readonly T[], draw: Draw): T {
  let equals: T[] = []
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const wait = expectedWait(candidate, draw.now)
    if (wait > least) continue
    if (wait < least) equals = []
    least = wait
    equals.push(candidate)
  }
  return equals.length === 1 ? equals[0]! : weightedRandom(equals, draw)
}

function expectedWait(candidate: Loaded, now: number): number {
  const known = candidate.latency.at(now)
  if (known > 0) return (known * (candidate.inFlight + 1)) / weightOf(candidate)
  return candidate.inFlight === 0 ? 0 : UNKNOWN_MS + candidate.inFlight
}
