import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { ExchangeParts } from '../exchange/exchange.ts'
import { createProbe } from '../exchange/probe.ts'
import { traced } from '../telemetry/attempt-span.ts'
import { operationOf } from '../telemetry/genai.ts'
import type { Instruments } from '../telemetry/instrument.ts'
import { createAttempt } from '../upstream/attempt.ts'
import type { Balancer } from '../upstream/balancer.ts'
import { RetryBudget } from '../upstream/budget.ts'
import type { Attempt, Call } from '../upstream/call.ts'
import { Persist } from '../upstream/persist.ts'
import { Prober } from '../upstream/probe.ts'
import { providerOf } from '../upstream/provider.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** One try at one upstream, in its client span. */
export function wireAttempt(clock: Clock): Attempt {
  const endpoints = new WeakMap<Upstream, ReturnType<typeof endpointOf>>()
  function describe(upstream: Upstream) {
    const endpoint = endpoints.get(upstream) ?? endpointOf(upstream)
    endpoints.set(upstream, endpoint)
    return endpoint
  }
  return traced(clock, createAttempt(clock), (upstream: Upstream, call: Call) => ({
    upstream: describe(upstream),
    operation: operationOf(call.request.route) ?? 'models',
    model: call.model,
  }))
}

function endpointOf({ name, addresses }: Upstream) {
  const { hostname, port, protocol } = new URL(addresses.origin)
  return {
    name,
    provider: providerOf(hostname),
    address: hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  }
}

/** Everything that answers a request, whichever way it is answered. */
export function wireExchange(
  settings: Settings,
  clock: Clock,
  balancer: Balancer,
  instruments: Instruments,
  traced: boolean,
): ExchangeParts {
  const attempt = wireAttempt(clock)
  return {
    clock,
    persist: new Persist({
      balancer,
      attempt,
      budget: new RetryBudget(settings.retryBudget, clock),
      clock,
      random: Math.random,
      maxAttempts: settings.maxAttempts,
      hedgeAfterMs: settings.hedgeAfterMs,
    }),
    caps: { maxEventBytes: settings.maxEventBytes, maxAnswerBytes: settings.maxAnswerBytes },
    firstEventMs: settings.firstEventTimeoutMs,
    idleMs: settings.idleTimeoutMs,
    totalMs: settings.requestTimeoutMs,
    meterStreams: metersTokens(settings),
    traced,
    passKeys: settings.proxyApiKeys.length === 0,
    jsonHeartbeatMs: settings.jsonHeartbeatMs,
    sseHeartbeatMs: settings.sseHeartbeatMs,
    finish: instruments.traceSync('fold', (fold) => fold.finish()),
  }
}

function metersTokens({ rateLimitTokens, proxyApiKeys }: Settings): boolean {
  return rateLimitTokens > 0 || proxyApiKeys.some(({ tokens = 0 }) => tokens > 0)
}

/** Asks open upstreams in the background, where a probe is configured. */
export function wireProber(settings: Settings, clock: Clock, exchange: ExchangeParts): Prober | undefined {
  const { probeBody } = settings
  if (probeBody === undefined) return undefined
  return new Prober({ body: probeBody, send: createProbe(createAttempt(clock), exchange) }, clock)
}
