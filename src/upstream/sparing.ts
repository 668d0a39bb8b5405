import type { Clock } from '../clock.ts'

/** How long the first 429 of a row counts, in milliseconds; each that follows counts twice as long, up to 32 seconds. */
const FIRST_MS = 1000
const MAX_DOUBLINGS = 5

/**
 * An upstream that answers 429 and does not say for how long. It is passed over for a little while, but only where another
 * can be asked: to leave it alone altogether would refuse requests that it might have answered.
 */
export class Sparing {
  private readonly clock: Pick<Clock, 'now'>
  private until = Number.NEGATIVE_INFINITY
  private row = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.clock = clock
  }

  get active(): boolean {
    return this.clock.now() < this.until
  }

  /** Notes a 429. Those that come while it is spared answer what was sent before, and say nothing new. */
  refused(): void {
    if (this.active) return
    this.until = this.clock.now() + FIRST_MS * 2 ** Math.min(this.row, MAX_DOUBLINGS)
    this.row++
  }

  /** Notes an answer: the next 429 is the first of a row again. */
  answered(): void {
    this.row = 0
  }
}
