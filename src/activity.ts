import type { Clock } from './clock.ts'
import { type Load, watchLag } from './middleware/shed.ts'

/** What this process is doing: the requests under way, how late its event loop runs, whether it is going down. */
export class Activity implements Load {
  private count = 0
  private goingDown = false
  private readonly lag: ReturnType<typeof watchLag>

  constructor(clock: Clock) {
    this.lag = watchLag(clock)
  }

  inFlight(): number {
    return this.count
  }

  lagMs(): number {
    return this.lag.lagMs()
  }

  draining(): boolean {
    return this.goingDown
  }

  enter(): void {
    this.count++
  }

  leave(): void {
    this.count--
  }

  drain(): void {
    this.goingDown = true
  }

  /** Stops watching the event loop. */
  stop(): void {
    this.lag.stop()
  }
}
