import type { Clock } from './clock.ts'
import type { Facts } from './facts.ts'
import { draining, type Load } from './middleware/shed.ts'
import { type LoopUse, type LoopWatch, watchLoop } from './overload/loop.ts'
import { Rest } from './overload/rest.ts'
import { type Place, Roll } from './roll.ts'

/** A request, and what ends all that works on its behalf. */
export interface UnderWay {
  readonly facts: Facts
  readonly left: AbortController
}

/** What this process is doing: the requests under way, how its event loop is, who has to wait, whether it is going down. */
export class Activity implements Load {
  /** The connections that were refused, and are not listened to for a while. */
  readonly rest: Rest
  private readonly underWay = new Roll<UnderWay>()
  private goingDown = false
  private readonly loop: LoopWatch

  constructor(clock: Clock, useOfLoop: LoopUse) {
    this.loop = watchLoop(clock, useOfLoop)
    this.rest = new Rest(clock, () => this.loop.busy())
  }

  inFlight(): number {
    return this.underWay.size
  }

  lagMs(): number {
    return this.loop.lagMs()
  }

  draining(): boolean {
    return this.goingDown
  }

  enter(facts: Facts, left: AbortController): Place<UnderWay> {
    return this.underWay.enter({ facts, left })
  }

  leave(place: Place<UnderWay>): void {
    this.underWay.leave(place)
  }

  /** The requests that began first; they still change. */
  oldest(count: number): Facts[] {
    return this.underWay.oldest(count).map(({ facts }) => facts)
  }

  /** Has all requests under way end in `draining`: as a status, or as an event of a stream that has begun. */
  endAll(): void {
    const error = draining()
    for (const { left } of this.underWay.oldest()) left.abort(error)
  }

  drain(): void {
    this.goingDown = true
    this.rest.wakeAll()
  }

  /** Stops watching the event loop, and lets nobody wait any longer. */
  stop(): void {
    this.loop.stop()
    this.rest.wakeAll()
  }
}
