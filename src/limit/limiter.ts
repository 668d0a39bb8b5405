import type { Clock } from '../clock.ts'
import type { Grant } from '../facts.ts'
import { clusterCounters } from './cluster.ts'
import type { Caps, Counters } from './counters.ts'
import { StoreHealth } from './health.ts'
import { insure } from './insure.ts'
import { memoryCounters } from './memory.ts'
import { redisCounters } from './redis.ts'

/** Decides for each client how much it may use. Never rejects and never throws. */
export interface Limiter {
  /** Whether anything of this client's is counted. */
  limits(client: string): boolean
  /** Asks for one request. When it is granted, `release` must follow once. */
  take(client: string): Promise<Grant>
  /** Adds tokens to the client's minute, after the fact. */
  charge(client: string, tokens: number): void
  /** Gives back the slot of one granted request. */
  release(client: string): void
  close(): Promise<void>
  /** The shared store is away, and this process counts alone. */
  readonly fallback: boolean
}

export interface LimiterOptions extends Caps {
  /** Clients with numbers of their own, by name; what an entry leaves out is as for everybody. */
  readonly overrides: ReadonlyMap<string, Partial<Caps>>
  /** `cluster` without workers is this process's memory. */
  readonly store: 'cluster' | 'redis'
  /** Needed for `redis`. */
  readonly redisUrl?: string | undefined
  /** The workers of this machine, 0 for none; each enforces its part of a limit while the store is away. */
  readonly workers: number
  /** Takes the place of memory of its own, for `cluster` without workers: what clients have used outlives this limiter. */
  readonly memory?: Counters | undefined
  readonly clock: Clock
  /** Called once for each change; `reason` is a code such as ECONNREFUSED and fit for a log. */
  readonly onFallback: (active: boolean, reason: string) => void
  /** How long slots of a killed process stay taken in Redis. Milliseconds. */
  readonly leaseMs?: number
}

const defaultLeaseMs = 30_000

/** One answer's tokens are an upstream's word: beyond this it is nonsense, and sums must stay exact integers. */
const mostTokens = 1e9

const admitted: Promise<Grant> = Promise.resolve(Object.freeze({ ok: true, retryAfterMs: 0 }))

/** Everybody may do everything; nothing is opened, counted or waited for. */
const unlimited: Limiter = {
  limits: () => false,
  take: () => admitted,
  charge() {},
  release() {},
  async close() {},
  fallback: false,
}

/**
 * Opens the store and returns the limiter over it. With no limit set at all no store is opened.
 * Throws when `redis` is asked for without an address.
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { requests, tokens, concurrency } = options
  const caps: Caps = { requests, tokens, concurrency }
  const own = new Map([...options.overrides].map(([client, override]) => [client, { ...caps, ...override }]))
  if (![caps, ...own.values()].some(limited)) return unlimited

  const health = new StoreHealth(options.onFallback)
  const counters = insure(openStore(options, health), health, Math.max(1, options.workers))
  const capsOf = (client: string) => own.get(client) ?? caps
  return {
    limits: (client) => limited(capsOf(client)),
    take(client) {
      const its = capsOf(client)
      return limited(its) ? counters.take(client, its) : admitted
    },
    charge(client, used) {
      if (capsOf(client).tokens > 0 && used > 0) counters.charge(client, Math.min(Math.ceil(used), mostTokens))
    },
    release: (client) => counters.release(client),
    close: () => counters.close(),
    get fallback() {
      return health.isDown
    },
  }
}

function limited(caps: Caps): boolean {
  return caps.requests > 0 || caps.tokens > 0 || caps.concurrency > 0
}

function openStore(options: LimiterOptions, health: StoreHealth): Counters {
  const { store, redisUrl, workers, clock, memory = memoryCounters(), leaseMs = defaultLeaseMs } = options
  if (store === 'redis') {
    if (!redisUrl) throw new Error('RATE_LIMIT_STORE=redis needs REDIS_URL.')
    return redisCounters({ url: redisUrl, clock, health, leaseMs })
  }
  return workers > 0 ? clusterCounters(clock) : memory
}
