import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { type Addresses, deriveAddresses } from './address.ts'
import { Breaker, type BreakerSettings, type Transition, type Word } from './breaker.ts'
import { PeakEwma } from './latency.ts'
import type { ModelRules } from './models.ts'
import { createDispatcher, type PoolSettings } from './pool.ts'
import { RenewedDispatcher } from './renew.ts'
import { Sparing } from './sparing.ts'

/** What the operator wrote about one upstream. */
export interface UpstreamConfig {
  readonly name: string
  /** A full `…/v1/chat/completions` or a base `…/v1`; its query string is kept on every route. */
  readonly url: string
  /** Sent instead of the client's key. */
  readonly key?: string
  /** Its share of the traffic within its priority; 0 is asked only when nothing else can be. */
  readonly weight: number
  /** The lowest number is asked first; the next only when none of these can be. */
  readonly priority: number
  readonly models?: ModelRules
  /** Sent along with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** `concurrency`: requests that this process may have under way there at the same time. */
  readonly limits?: { readonly concurrency?: number }
}

export interface UpstreamParts {
  readonly clock: Clock
  readonly breaker: BreakerSettings
  readonly pool: PoolSettings
  /** Told of every change of its breaker. */
  readonly onTransition: (upstream: Upstream, transition: Transition) => void
}

/** One upstream as it is right now: what its configuration cannot say. */
export class Upstream {
  readonly config: UpstreamConfig
  readonly addresses: Addresses
  readonly breaker: Breaker
  readonly sparing: Sparing
  /** Time to the first event. */
  readonly latency = new PeakEwma()
  /** Requests under way there from this process. */
  inFlight = 0
  /** It answered 400 because of `stream_options`; asking so again would only cost another round trip. */
  refusesUsageOption = false
  private readonly connections: RenewedDispatcher

  constructor(config: UpstreamConfig, parts: UpstreamParts) {
    this.config = config
    this.addresses = deriveAddresses(config.url)
    this.breaker = new Breaker(parts.breaker, parts.clock, (transition) => parts.onTransition(this, transition))
    this.sparing = new Sparing(parts.clock)
    const create = () => createDispatcher(this.addresses.origin, parts.pool)
    this.connections = new RenewedDispatcher(create, parts.pool.connectionTtlMs, parts.clock)
  }

  /** Its sockets. To be asked for with every request, which must give `addresses.origin` as its origin. */
  get dispatcher(): Dispatcher {
    return this.connections.current
  }

  get name(): string {
    return this.config.name
  }

  /** Counts a request in; the function returned tells its breaker, and counts it out with its verdict, only once. */
  enter(): (word: Word) => void {
    const judge = this.breaker.enter()
    this.inFlight++
    let left = false
    return (word) => {
      if (left) return
      if (word !== 'begun') {
        left = true
        this.inFlight--
      }
      judge(word)
    }
  }

  /** Lets what runs finish, then closes the sockets. */
  async close(): Promise<void> {
    await this.connections.close()
  }
}
