/** How long a measurement is remembered: after this many milliseconds it has lost 63 % of its weight. */
const DECAY_MS = 10_000

/**
 * Peak-sensitive moving average of the time to the first event, after Finagle's `PeakEwma`: a slow answer counts in full
 * at once, a fast one only with time, so that a slow upstream is left quickly and trusted again slowly.
 */
export class PeakEwma {
  private average = 0
  private seenAt = Number.NEGATIVE_INFINITY

  /** Takes one measurement of `ms` milliseconds, made at `now`. */
  observe(ms: number, now: number): void {
    const remembered = Math.exp(-(now - this.seenAt) / DECAY_MS)
    this.average = ms > this.average ? ms : this.average * remembered + ms * (1 - remembered)
    this.seenAt = now
  }

  /**
   * Takes that one was waited for in vain for `ms` milliseconds, until `now`: it is as slow as that at the least. What
   * never answers would otherwise be as good as what answers at once.
   */
  outwaited(ms: number, now: number): void {
    if (ms <= this.at(now)) return
    this.average = ms
    this.seenAt = now
  }

  /**
   * The average in milliseconds as of `now`; 0 when nothing was ever measured. It fades while nothing is measured:
   * an upstream that was slow once would otherwise never be asked again.
   */
  at(now: number): number {
    return this.average === 0 ? 0 : this.average * Math.exp(-(now - this.seenAt) / DECAY_MS)
  }
}
