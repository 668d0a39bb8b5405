import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Counters } from '../limit/counters.ts'
import { type Keyring, keyring } from '../limit/keys.ts'
import { createLimiter, type Limiter } from '../limit/limiter.ts'
import type { Logger } from '../telemetry/log.ts'

export interface Guards {
  readonly keys: Keyring
  readonly limiter: Limiter
}

export function wireGuards(settings: Settings, clock: Clock, log: Logger, memory?: Counters): Guards {
  const keys = keyring(settings.proxyApiKeys)
  const limiter = createLimiter({
    requests: settings.rateLimitRequests,
    tokens: settings.rateLimitTokens,
    concurrency: settings.rateLimitConcurrency,
    overrides: keys.limits,
    store: settings.rateLimitStore,
    redisUrl: settings.redisUrl,
    workers: settings.workers,
    memory,
    clock,
    onFallback(active, reason) {
      const store = settings.rateLimitStore
      if (active)
        log.error({ store, reason }, 'the store of the rate limits is away: each worker counts alone until it is back')
      else log.info({ store }, 'the store of the rate limits is back: they are exact again')
    },
  })
  return { keys, limiter }
}
