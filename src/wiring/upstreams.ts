import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { type Balancer, createBalancer } from '../upstream/balancer.ts'
import type { BreakerSettings, Transition } from '../upstream/breaker.ts'
import type { PoolSettings } from '../upstream/pool.ts'
import { providerOf } from '../upstream/provider.ts'
import { Upstream } from '../upstream/upstream.ts'

/** Old enough to spare the handshakes, young enough to follow a provider that moves its DNS entry. Milliseconds. */
const CONNECTION_TTL_MS = 5 * 60_000

/** The upstreams with their breakers, as one balancer. `onTransition` hears of each breaker's changes. */
export function wireUpstreams(
  settings: Settings,
  clock: Clock,
  onTransition: (upstream: Upstream, transition: Transition) => void,
): Balancer {
  const pool = poolSettings(settings)
  const breaker = breakerSettings(settings)
  const upstreams = settings.upstreams.map((config) => new Upstream(config, { clock, breaker, pool, onTransition }))
  return createBalancer({ upstreams, strategy: settings.loadBalancing, clock, random: Math.random })
}

function poolSettings(settings: Settings): PoolSettings {
  return {
    connectTimeoutMs: settings.connectTimeoutMs,
    allowH2: settings.upstreamHttp2,
    connectionTtlMs: CONNECTION_TTL_MS,
    proxy: { httpProxy: settings.httpProxy, httpsProxy: settings.httpsProxy, noProxy: settings.noProxy },
  }
}

function breakerSettings(settings: Settings): BreakerSettings {
  return {
    windowMs: settings.breakerWindowMs,
    minRequests: settings.breakerMinRequests,
    failureRate: settings.breakerFailureRate,
    openMs: settings.breakerOpenMs,
    probesReserved: settings.probeBody !== undefined,
  }
}

/** The name and provider of each configured upstream, for the labels of the metrics. */
export function labelsOf(settings: Settings): { name: string; provider: string }[] {
  return settings.upstreams.map(({ name, url }) => ({ name, provider: providerOf(new URL(url).hostname) }))
}

/** The models that the configuration names, which keep their labels however many others clients invent. */
export function modelsOf(settings: Settings): string[] {
  return settings.upstreams.flatMap(({ models }) => [...Object.keys(models?.map ?? {}), ...(models?.allow ?? [])])
}
