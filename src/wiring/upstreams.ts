import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { type Balancer, createBalancer } from '../upstream/balancer.ts'
import type { BreakerSettings, Transition } from '../upstream/breaker.ts'
import { ownKeys } from '../upstream/headers.ts'
import type { PoolSettings } from '../upstream/pool.ts'
import { providerOf } from '../upstream/provider.ts'
import { Upstream } from '../upstream/upstream.ts'

/** Old enough to spare the handshakes, young enough to follow a provider that moves its DNS entry. Milliseconds. */
const CONNECTION_TTL_MS = 5 * 60_000

/**
 * How long an upstream may fail throughout while others are well. Longer than a deployment's blip; a share of the
 * traffic that fails for longer would use up the budget for retries (measured by test/chaos). Milliseconds.
 */
const FAILING_MS = 1000

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
    // Only where another can answer meanwhile: a lone upstream that restarts would be given up for much longer than that.
    rowMs: settings.upstreams.length > 1 ? FAILING_MS : undefined,
    openMs: settings.breakerOpenMs,
    probesReserved: settings.probeBody !== undefined,
  }
}

/** The name and provider of each configured upstream, for the labels of the metrics. */
export function labelsOf(settings: Settings): { name: string; provider: string }[] {
  return settings.upstreams.map(({ name, url }) => ({ name, provider: providerOf(new URL(url).hostname) }))
}

/** Whether each upstream is sent the client's own key, and so checks it. */
export function upstreamsCheckKeys(settings: Settings): boolean {
  return settings.upstreams.every((upstream) => ownKeys(upstream).length === 0)
}

/** The models that the configuration names, which keep their labels however many others clients invent. */
export function modelsOf(settings: Settings): string[] {
  return settings.upstreams.flatMap(({ models }) => [...Object.keys(models?.map ?? {}), ...(models?.allow ?? [])])
}
