import type { Settings } from '../config/settings.ts'
import type { ExchangeParts } from '../exchange/exchange.ts'
import type { Facts } from '../facts.ts'
import type { Keyring } from '../limit/keys.ts'
import type { Limiter } from '../limit/limiter.ts'
import type { Load } from '../middleware/shed.ts'
import type { Rest } from '../overload/rest.ts'
import { createInstruments, type Instruments } from '../telemetry/instrument.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import { outsideOfRequests } from '../telemetry/outside.ts'
import { createProject, traceIdOf } from '../telemetry/project.ts'
import { serverSpan } from '../telemetry/server-span.ts'
import type { Balancer } from '../upstream/balancer.ts'
import { wireExchange, wireProber } from './exchange.ts'
import { wireGuards } from './guards.ts'
import { RecentFailures } from './recent.ts'
import type { BreakerMessage, Surroundings } from './surroundings.ts'
import { logTransition, tell } from './transitions.ts'
import { labelsOf, modelsOf, wireUpstreams } from './upstreams.ts'

/** Of each kind; more than a screen shows. */
const FAILURES_KEPT = 25

/** Everything that the stack is made of. */
export interface Parts {
  readonly balancer: Balancer
  readonly metrics: Metrics
  readonly instruments: Instruments
  readonly exchange: ExchangeParts
  readonly keys: Keyring
  readonly limiter: Limiter
  readonly failures: RecentFailures
  /** Told when a request begins; what it returns is told when the response has closed. */
  begin(): (facts: Facts) => void
  hear(message: BreakerMessage): void
  close(): Promise<void>
}

/** What the process is doing, for the metrics. */
type Loaded = Pick<Load, 'inFlight'> & { readonly rest: Pick<Rest, 'size'> }

/** Makes the parts of one worker and ties them together. */
export function wire(settings: Settings, surroundings: Surroundings, load: Loaded): Parts {
  const { clock, log, send, counters } = surroundings
  const balancer = wireUpstreams(settings, clock, (upstream, transition) => {
    metrics.circuitTransitions(1, upstream.name, transition.to)
    logTransition(log, upstream, transition)
    tell(send, upstream, transition)
    outsideOfRequests(() => prober?.notice(upstream, transition))
  })
  const metrics = wireMetrics(settings, surroundings, load, balancer, () => limiter.fallback)
  const instruments = createInstruments({ metrics, clock })
  const exchange = wireExchange(settings, clock, balancer, instruments, surroundings.traced)
  const prober = wireProber(settings, clock, exchange)
  const project = createProject({ metrics, log, clock })
  const { keys, limiter } = wireGuards(settings, clock, log, counters)
  const failures = new RecentFailures(FAILURES_KEPT, clock)
  return {
    balancer,
    metrics,
    instruments,
    exchange,
    keys,
    limiter,
    failures,
    begin() {
      const span = serverSpan()
      return (facts) => {
        project(facts, span)
        failures.note(facts, traceIdOf(span))
      }
    },
    hear({ upstream, ...news }) {
      balancer.upstreams.find(({ name }) => name === upstream)?.breaker.hear(news)
    },
    async close() {
      prober?.stop()
      await Promise.all([balancer.close(), limiter.close()])
    },
  }
}

function wireMetrics(
  settings: Settings,
  surroundings: Surroundings,
  load: Loaded,
  balancer: Balancer,
  rateLimitFallback: () => boolean,
): Metrics {
  const { workerId: worker, version, spansDropped } = surroundings
  return createMetrics({
    worker,
    version,
    models: modelsOf(settings),
    upstreams: labelsOf(settings),
    inFlight: () => load.inFlight(),
    connectionsResting: () => load.rest.size,
    upstreamStates: () => balancer.status().map(({ state, ...upstream }) => ({ ...upstream, circuit: state })),
    rateLimitFallback,
    spansDropped,
  })
}
