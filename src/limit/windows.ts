import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import type { Counters, Spent } from './counters.ts'

/** OpenAI counts requests and tokens by the minute: https://platform.openai.com/docs/guides/rate-limits. */
const windowSeconds = 60

/** What every limiter of rate-limiter-flexible is opened with here. */
export interface WindowOptions {
  readonly keyPrefix: string
  readonly points: number
  readonly duration: number
}

/**
 * A client's minutes, counted by rate-limiter-flexible in whatever store `open` chooses.
 *
 * The library only counts; comparing with a client's cap is left to take.ts. Its own `points` would be one number for
 * all clients, and the cluster's primary keeps the first it was told: a reload could never change a limit. So
 * `points` is out of reach, and `penalty` is called instead of `consume`: the same atomic addition, which never
 * rejects with a RateLimiterRes.
 */
export function windows(open: (options: WindowOptions) => RateLimiterAbstract): Pick<Counters, 'add' | 'read'> {
  const start = (name: string) =>
    open({ keyPrefix: `openai-proxy:${name}`, points: Number.MAX_SAFE_INTEGER, duration: windowSeconds })
  const limiters = { requests: start('requests'), tokens: start('tokens') }
  return {
    async add(window, client, points) {
      return spent(await limiters[window].penalty(client, points))
    },
    async read(window, client) {
      const found = await limiters[window].get(client)
      // A minute that has ended may still be stored for a moment, until the library's timer runs.
      return found && found.msBeforeNext > 0 ? spent(found) : { used: 0, resetMs: 0 }
    },
  }
}

/**
 * An addition counts even when Redis gives its minute 0 ms more: it was made before the end. In memory the library
 * subtracts times of day, between which the clock may have been set back; its timer ends the minute all the same.
 */
function spent({ consumedPoints, msBeforeNext }: RateLimiterRes): Spent {
  return { used: consumedPoints, resetMs: Math.min(msBeforeNext, windowSeconds * 1000) }
}
