import type { Clock } from './clock.ts'
import type { Facts } from './facts.ts'
import { type Load, watchLag } from './middleware/shed.ts'
import { type Place, Roll } from './roll.ts'

/** What this process is doing: the requests under way, how late its event loop runs, whether it is going down. */
export class Activity implements Load {
  private readonly underWay = new Roll<Facts>()
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

  enter(facts: Facts): Place<Facts> {
    return this.underWay.enter(facts)
  }

  leave(place: Place<Facts>): void {
    this.underWay.leave(place)
  }

  /** The requests that began first; they still change. */
  oldest(count: number): Facts[] {
    return this.underWay.oldest(count)
  }

  drain(): void {
    this.goingDown = true
  }

  /** Stops watching the event loop. */
  stop(): void {
    this.lag.stop()
  }
}
