import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { Clock } from '../clock.ts'
import type { Counters } from './counters.ts'
import type { StoreHealth } from './health.ts'
import { Leases, leaseScripts } from './leases.ts'
import { windows } from './windows.ts'

export interface RedisOptions {
  /** `redis://` or `rediss://`, with user, password and database as ioredis reads them. */
  readonly url: string
  readonly clock: Clock
  readonly health: StoreHealth
  /** How long a slot outlives the process that held it, when that was killed. Milliseconds. */
  readonly leaseMs: number
}

/** A Redis that is silent for so long while it owes an answer counts as away. Milliseconds. */
const silenceMs = 2000
const connectTimeoutMs = 2000
const longestRetryMs = 2000
/** How soon a new connection is tried again where the last one, too, has led to a Redis that can only be read. Milliseconds. */
const readOnlyRetryMs = 5000
/** Written to see whether it can be; gone again at once. */
const writableKey = 'openai-proxy:writable'

/**
 * Counters in Redis, exact over all machines that use it.
 *
 * Every call fails at once while Redis is away: nothing is queued for later and nothing is sent twice, because the
 * caller has counted elsewhere by then. The connection comes back by itself and tells `health`. Only calls before
 * the first answer or refusal of the connection wait for it, so that a process that starts does not begin astray.
 */
export function redisCounters({ url, clock, health, leaseMs }: RedisOptions): Counters {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    socketTimeout: silenceMs,
    connectTimeout: connectTimeoutMs,
    retryStrategy: (times) => Math.min(times * 100, longestRetryMs),
    reconnectOnError: leftBehind(clock),
    scripts: leaseScripts,
  })
  const minutes = windows(
    (options) => new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true }),
  )
  const leases = new Leases(redis, leaseMs)
  const { contact, stop } = follow(redis, leases, health)
  const stopRenewing = every(clock, leaseMs / 3, () => {
    leases.renew().catch((error) => health.failed(error))
  })

  return {
    async add(window, client, points) {
      await contact
      return minutes.add(window, client, points)
    },
    async read(window, client) {
      await contact
      return minutes.read(window, client)
    },
    async acquire(client, cap) {
      await contact
      return leases.acquire(client, cap)
    },
    release: (client) => leases.release(client),
    async close() {
      stopRenewing()
      stop()
      // QUIT lets the last releases and charges through, unless Redis hangs; leases that stay behind expire there.
      if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect())
      else redis.disconnect()
    },
  }
}

/** Keeps `health` in step with the connection, also while no request asks. */
function follow(redis: Redis, leases: Leases, health: StoreHealth): { contact: Promise<void>; stop: () => void } {
  let closing = false
  const failed = (error: unknown) => {
    if (!closing) health.failed(error)
  }
  // ioredis prints errors itself when nobody listens, and its messages name the address.
  redis.on('error', failed)
  redis.on('close', () => failed('connection closed'))
  redis.on('ready', () => {
    // Sent first on the new connection, so that no later request can take a slot that is still held.
    leases.renew().catch(failed)
    // A replica is connected to as well, and can only be read.
    if (health.isDown) redis.set(writableKey, '', 'PX', 1).then(() => health.worked(), failed)
  })
  const contact = new Promise<void>((resolve) => {
    redis.once('ready', resolve)
    redis.once('close', resolve)
  })
  return {
    contact,
    stop: () => {
      closing = true
    },
  }
}

/**
 * Tells whether an error means that another Redis has become the master behind the same name, and this connection is to
 * one that is a replica now: nothing closes it, and only a new one leads to where the name does.
 */
function leftBehind(clock: Clock): (error: Error) => boolean {
  let next = Number.NEGATIVE_INFINITY
  return ({ message }) => {
    const now = clock.now()
    if (now < next || !message.includes('READONLY')) return false
    next = now + readOnlyRetryMs
    return true
  }
}

/** Calls `act` every `ms` milliseconds until the returned function is called. */
function every(clock: Clock, ms: number, act: () => void): () => void {
  let cancel = clock.after(ms, tick)
  function tick() {
    act()
    cancel = clock.after(ms, tick)
  }
  return () => cancel()
}
