const BUCKETS = 10

/**
 * Two counters over a sliding window, kept in a ring of ten buckets: what is older than `windowMs` falls out a tenth at
 * a time. A list of timestamps would be exact but grow with the traffic; this is three small arrays at any rate.
 */
export class CountWindow {
  private readonly bucketMs: number
  private readonly turns = new Float64Array(BUCKETS).fill(-1)
  private readonly firsts = new Float64Array(BUCKETS)
  private readonly seconds = new Float64Array(BUCKETS)

  constructor(windowMs: number) {
    this.bucketMs = windowMs / BUCKETS
  }

  /** Adds to the two counters at `now`, in the clock's milliseconds, which must not run backwards. */
  add(now: number, first: number, second: number): void {
    const turn = Math.floor(now / this.bucketMs)
    const slot = turn % BUCKETS
    if (this.turns[slot] !== turn) {
      // The bucket holds what was counted a whole window ago.
      this.turns[slot] = turn
      this.firsts[slot] = 0
      this.seconds[slot] = 0
    }
    this.firsts[slot]! += first
    this.seconds[slot]! += second
  }

  /** The two counters' sums over the window that ends at `now`. */
  sum(now: number): { first: number; second: number } {
    const oldest = Math.floor(now / this.bucketMs) - BUCKETS
    let first = 0
    let second = 0
    for (let slot = 0; slot < BUCKETS; slot++) {
      if (this.turns[slot]! <= oldest) continue
      first += this.firsts[slot]!
      second += this.seconds[slot]!
    }
    return { first, second }
  }

  clear(): void {
    this.turns.fill(-1)
    this.firsts.fill(0)
    this.seconds.fill(0)
  }
}
