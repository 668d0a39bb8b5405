import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Counters } from './counters.ts'
import { Tally } from './tally.ts'
import { windows } from './windows.ts'

/** Counters of this process alone: for WORKERS=0, and in place of a shared store that is away. */
export function memoryCounters(): Counters {
  const held = new Tally()
  return {
    ...windows((options) => new RateLimiterMemory(options)),
    async acquire(client, cap) {
      if (held.count(client) >= cap) return false
      held.add(client)
      return true
    },
    async release(client) {
      held.drop(client)
    },
    async close() {},
  }
}
