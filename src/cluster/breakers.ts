import type { Clock } from '../clock.ts'
import type { BreakerMessage } from '../wiring/surroundings.ts'

/**
 * What workers have told about upstreams, so that a dead one is discovered once for the machine and not once for each
 * worker, nor again by each worker that starts later. Each configuration has its own, since another may have other
 * upstreams by the same names, or other keys for them.
 */
export class SharedBreakers {
  private readonly last = new Map<string, BreakerMessage>()
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Keeps what one worker tells and passes it on to the others. */
  relay(message: BreakerMessage, others: Iterable<{ tell(message: BreakerMessage): void }>): void {
    this.last.set(message.upstream, message)
    for (const other of others) other.tell(message)
  }

  /** What a worker that starts now has to know: the breakers that are still open. */
  open(): BreakerMessage[] {
    return [...this.last.values()].filter(({ state, until }) => state === 'open' && until > this.clock.wall())
  }

  /** What has become known since a worker was told `known`, and it could not hear while it started. */
  missedBy(known: readonly BreakerMessage[]): BreakerMessage[] {
    const isNews = (message: BreakerMessage) => known.some(({ upstream }) => upstream === message.upstream)
    const open = new Set(this.open())
    return [...this.last.values()].filter((last) => !known.includes(last) && (open.has(last) || isNews(last)))
  }
}
