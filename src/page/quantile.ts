import type { Histogram } from './frame.ts'

/** What came between two readings of one histogram. The earlier may be empty: nothing had been observed yet. */
export function between(then: Histogram, now: Histogram): Histogram {
  return { bounds: now.bounds, counts: now.counts.map((count, index) => count - (then.counts[index] ?? 0)) }
}

/** How many observations a histogram holds. */
export function observed({ counts }: Histogram): number {
  return counts.at(-1) ?? 0
}

/**
 * The value, in the histogram's unit, that the share `q` (0 to 1) of the observations do not exceed; undefined without
 * observations. It is estimated as Prometheus's `histogram_quantile` does, so that page and dashboards agree: evenly
 * spread within a bucket, and the highest bound for what is beyond it.
 */
export function quantile(histogram: Histogram, q: number): number | undefined {
  const { bounds, counts } = histogram
  const rank = q * observed(histogram)
  if (rank === 0) return undefined
  const bucket = counts.findIndex((count) => count >= rank)
  if (bucket >= bounds.length) return bounds.at(-1)
  const lower = bucket === 0 ? 0 : (bounds[bucket - 1] ?? 0)
  const upper = bounds[bucket] ?? lower
  const below = bucket === 0 ? 0 : (counts[bucket - 1] ?? 0)
  const inside = (counts[bucket] ?? 0) - below
  return lower + ((upper - lower) * (rank - below)) / inside
}
