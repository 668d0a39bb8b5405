import type { Clock } from '../clock.ts'
import type { BreakerState, Word } from './breaker.ts'
import { translateModel } from './models.ts'
import { type PickRequest, pick } from './pick.ts'
import { createStrategy, type StrategyName } from './strategy.ts'
import type { Upstream } from './upstream.ts'

export interface BalancerParts {
  readonly upstreams: readonly Upstream[]
  readonly strategy: StrategyName
  readonly clock: Clock
  /** 0 ≤ random() < 1. */
  readonly random: () => number
}

/** A request's place at an upstream. Whoever holds it must give a verdict, or the upstream counts as busy for ever. */
export interface Lease {
  readonly upstream: Upstream
  /** The upstream's own name for the model. */
  readonly model: string | undefined
  /** Tells the breaker. A verdict gives the place back as well, and only the first one counts. */
  judge(word: Word): void
}

/** One upstream as `GET /status` and the gauges show it. */
export interface UpstreamStatus {
  readonly name: string
  readonly state: BreakerState
  /** Asked to be left alone, by a 429. */
  readonly resting: boolean
  /** Milliseconds until it may be asked again; 0 when it may. */
  readonly waitMs: number
  readonly inFlight: number
  /** Moving average of the time to the first event, ms; 0 when unknown. */
  readonly firstEventMs: number
  readonly priority: number
  readonly weight: number
}

export interface Balancer {
  readonly upstreams: readonly Upstream[]
  /** Chooses an upstream and takes a place there. Throws as `pick` does. */
  pick(request: PickRequest<Upstream>): Lease
  /** Whether any upstream could be asked, for the readiness check; a full one could, or one that a request has to try. */
  usable(): boolean
  status(): UpstreamStatus[]
  /** Lets what runs finish, then closes all sockets. */
  close(): Promise<void>
}

/** Ties the upstreams' live state to one strategy. */
export function createBalancer({ upstreams, strategy, clock, random }: BalancerParts): Balancer {
  const choose = createStrategy(strategy)
  return {
    upstreams,
    pick(request) {
      const upstream = pick(upstreams, request, choose, { random, now: clock.now() })
      // In the same turn as the choice, or two requests would both take a half-open upstream's one slot.
      const judge = upstream.enter()
      const model = request.model === undefined ? undefined : translateModel(upstream.config.models, request.model)
      return { upstream, model, judge }
    },
    usable: () => upstreams.some(({ breaker }) => breaker.admits()),
    status: () => upstreams.map((upstream) => describe(upstream, clock.now())),
    async close() {
      await Promise.all(upstreams.map((upstream) => upstream.close()))
    },
  }
}

function describe(upstream: Upstream, now: number): UpstreamStatus {
  const { breaker, config } = upstream
  return {
    name: config.name,
    state: breaker.state,
    resting: breaker.resting,
    waitMs: breaker.waitMs(),
    inFlight: upstream.inFlight,
    firstEventMs: upstream.latency.at(now),
    priority: config.priority,
    weight: config.weight,
  }
}
