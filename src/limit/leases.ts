import { randomUUID } from 'node:crypto'
import { type Redis, ReplyError, type Result } from 'ioredis'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** Resolves with 1 when the lease was taken, 0 when `cap` leases are out. */
    takeLease(key: string, cap: number, ttlMs: number, lease: string): Result<number, Context>
    keepLeases(key: string, ttlMs: number, ...leases: string[]): Result<number, Context>
  }
}

const clientPrefix = 'openai-proxy:slots:'

// Redis's own clock decides, so that machines whose clocks differ agree on what has expired.
const redisNow = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** The scripts that `Leases` needs; hand them to the client when it is made. Redis runs each as one step. */
export const leaseScripts = {
  takeLease: {
    numberOfKeys: 1,
    lua: `${redisNow}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`,
  },
  keepLeases: {
    numberOfKeys: 1,
    lua: `${redisNow}
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[1])`,
  },
}

/**
 * The slots that this process holds in Redis: a sorted set for each client, scored by expiry. A process that runs
 * renews its leases; one that was killed does not, and its slots are free again after `ttlMs` milliseconds.
 */
export class Leases {
  private readonly redis: Redis
  private readonly ttlMs: number
  private readonly held = new Map<string, string[]>()
  /** Asked for and never answered: a Redis that hung carries that out when it wakes, though nobody holds them. */
  private readonly unanswered: { client: string; lease: string }[] = []
  private readonly owner = randomUUID()
  private last = 0

  constructor(redis: Redis, ttlMs: number) {
    this.redis = redis
    this.ttlMs = ttlMs
  }

  async acquire(client: string, cap: number): Promise<boolean> {
    const lease = `${this.owner}:${++this.last}`
    if (!(await this.take(client, cap, lease))) return false
    const leases = this.held.get(client)
    if (leases) leases.push(lease)
    else this.held.set(client, [lease])
    return true
  }

  private async take(client: string, cap: number, lease: string): Promise<boolean> {
    // What could not even be sent, or was refused, is never carried out.
    const sent = this.redis.status === 'ready'
    try {
      return (await this.redis.takeLease(clientPrefix + client, cap, this.ttlMs, lease)) === 1
    } catch (error) {
      if (sent && !(error instanceof ReplyError)) this.unanswered.push({ client, lease })
      throw error
    }
  }

  /** When Redis cannot be told, the lease is still forgotten here, so that it is not renewed and expires there. */
  async release(client: string): Promise<void> {
    const leases = this.held.get(client)
    const lease = leases?.pop()
    if (leases?.length === 0) this.held.delete(client)
    if (lease !== undefined) await this.redis.zrem(clientPrefix + client, lease)
  }

  /** Adds what is missing, too: a Redis that came back empty learns again what is held. And removes what nobody holds. */
  async renew(): Promise<void> {
    const removals = this.unanswered.splice(0).map((taken) => this.remove(taken))
    const renewals = [...this.held].map(([client, leases]) =>
      this.redis.keepLeases(clientPrefix + client, this.ttlMs, ...leases),
    )
    await Promise.all([...removals, ...renewals])
  }

  private async remove(taken: { client: string; lease: string }): Promise<void> {
    try {
      await this.redis.zrem(clientPrefix + taken.client, taken.lease)
    } catch (error) {
      this.unanswered.push(taken)
      throw error
    }
  }
}
