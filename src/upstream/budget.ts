import type { Clock } from '../clock.ts'
import { CountWindow } from './window.ts'

const WINDOW_MS = 10_000
/** Retries a window that even a quiet proxy may make: a share of three requests would never allow one. */
const FLOOR = 10

/**
 * Keeps retries to a share of the requests, so that an outage is not multiplied by the number of attempts just when
 * the upstreams that are left need every slot. After Finagle's `RetryBudget`.
 */
export class RetryBudget {
  private readonly ratio: number
  private readonly floor: number
  private readonly clock: Clock
  private readonly counts = new CountWindow(WINDOW_MS)
  private underWay = 0

  /** `ratio` is the share of requests, 0 to 1; with 0 nothing is retried. */
  constructor(ratio: number, clock: Clock) {
    this.ratio = ratio
    this.floor = ratio === 0 ? 0 : FLOOR
    this.clock = clock
  }

  /**
   * Counts a client's request, whose own first try is not a retry, until the function returned is called. Those under way
   * count however long ago they began: where an answer takes a minute, few begin within a window, and an upstream
   * that is lost breaks all that run there at once.
   */
  request(): () => void {
    this.counts.add(this.clock.now(), 1, 0)
    this.underWay++
    return () => {
      this.underWay--
    }
  }

  /** Takes one retry (or hedge) out of the budget; false when there is none left, and then nothing is taken. */
  tryRetry(): boolean {
    const now = this.clock.now()
    const { first: begun, second: retries } = this.counts.sum(now)
    const requests = Math.max(begun, this.underWay)
    if (retries + 1 > Math.max(this.floor, this.ratio * requests)) return false
    this.counts.add(now, 0, 1)
    return true
  }
}
