import type { Clock } from '../clock.ts'

/** How long a try has kept this process busy, which is time that the upstream did not take. Milliseconds. */
export class BusyTime {
  private readonly clock: Clock
  private total = 0
  private since = 0
  private depth = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Work begins, perhaps within other work; returns the time. */
  start(): number {
    const now = this.clock.now()
    if (this.depth++ === 0) this.since = now
    return now
  }

  stop(): void {
    if (--this.depth === 0) this.total += this.clock.now() - this.since
  }

  /** The sum so far, with the work that is being done right now. */
  upTo(now: number): number {
    return this.total + (this.depth > 0 ? now - this.since : 0)
  }
}
