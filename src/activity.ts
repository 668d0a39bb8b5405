import type { Clock } from './clock.ts'
import type { Facts } from './facts.ts'
import { type Load, watchLag } from './middleware/shed.ts'

/** What this process is doing: the requests under way, how late its event loop runs, whether it is going down. */
export class Activity implements Load {
  private readonly underWay = new Set<Facts>()
  private goingDown = false
  private readonly lag: ReturnType<typeof watchLag>

  constructor(clock: Clock) {
    this.lag = watchLag(clock)
  }

  inFlight(): number {
    return this.underWay.size
  }

  lagMs(): number {
    return this.lag.lagMs()
  }

  draining(): boolean {
    return this.goingDown
  }

  enter(facts: Facts): void {
    this.underWay.add(facts)
  }

  leave(facts: Facts): void {
    this.underWay.delete(facts)
  }

  /** The requests that began first; they still change. A set keeps its order, so nothing has to be sorted. */
  oldest(count: number): Facts[] {
    return this.underWay.values().take(count).toArray()
  }

  drain(): void {
    this.goingDown = true
  }

  /** Stops watching the event loop. */
  stop(): void {
    this.lag.stop()
  }
}
