import type { Grant } from '../facts.ts'
import type { Caps, Counters } from './counters.ts'
import type { StoreHealth } from './health.ts'
import { memoryCounters } from './memory.ts'
import { takeFrom } from './take.ts'
import { Tally } from './tally.ts'

export interface InsuredCounters {
  take(client: string, caps: Caps): Promise<Grant>
  charge(client: string, tokens: number): void
  release(client: string): void
  close(): Promise<void>
}

/**
 * Limits that go on when the shared store is away: this process then counts alone, against its share of each cap.
 * Never rejects.
 *
 * Slots outlive a change of store, so this keeps its own tally of what the process holds, and of which of these the
 * store does not know (`adrift`). When the store is back they are entered there.
 */
export function insure(shared: Counters, health: StoreHealth, processes: number): InsuredCounters {
  const local = memoryCounters()
  const held = new Tally()
  const adrift = new Tally()
  const watched = watch(shared, health, held)
  const alone = countAlone(local, held, adrift)
  const share = (caps: Caps) => shareOf(caps, processes)
  let probing = false

  health.onReturn(() => handBack(watched, held, adrift).catch((error) => health.failed(error)))

  return {
    async take(client, caps) {
      // A store that hangs would delay every request by its time-out: while it is down one at a time tries it.
      if (health.isDown && probing) return takeFrom(alone, client, share(caps))
      const probe = health.isDown
      if (probe) probing = true
      try {
        return await takeFrom(watched, client, caps)
      } catch (error) {
        health.failed(error)
        return takeFrom(alone, client, share(caps))
      } finally {
        if (probe) probing = false
      }
    },
    charge(client, tokens) {
      watched.add('tokens', client, tokens).catch((error) => {
        health.failed(error)
        return alone.add('tokens', client, tokens)
      })
    },
    release(client) {
      if (adrift.drop(client)) held.drop(client)
      else if (held.count(client) > 0) watched.release(client)
    },
    close: () => shared.close(),
  }
}

/**
 * The shared store with a tally of what this process holds. Only what writes shows that the store works: one that
 * can merely be read (a replica, or full) would be called back by each look and away by each addition.
 */
function watch(shared: Counters, health: StoreHealth, held: Tally): Counters {
  return {
    async add(window, client, points) {
      const spent = await shared.add(window, client, points)
      health.worked()
      return spent
    },
    read: (window, client) => shared.read(window, client),
    async acquire(client, cap) {
      const granted = await shared.acquire(client, cap)
      if (granted) held.add(client)
      health.worked()
      return granted
    },
    async release(client) {
      held.drop(client)
      await shared.release(client).catch((error) => health.failed(error))
    },
    close: () => shared.close(),
  }
}

/** Slots that were taken before the store went away still count, or a client could run its share twice over. */
function countAlone(local: Counters, held: Tally, adrift: Tally): Counters {
  return {
    ...local,
    async acquire(client, cap) {
      if (held.count(client) >= cap) return false
      held.add(client)
      adrift.add(client)
      return true
    },
    async release(client) {
      if (adrift.drop(client)) held.drop(client)
    },
  }
}

/** Asks for all slots at once, before any new request can: they run already, so no cap may refuse them. */
async function handBack(watched: Counters, held: Tally, adrift: Tally): Promise<void> {
  const moves = adrift.entries().flatMap(([client, count]) =>
    Array.from({ length: count }, async () => {
      await watched.acquire(client, Number.MAX_SAFE_INTEGER)
      // The acquisition counted it once more; without a slot adrift its request ended meanwhile.
      if (adrift.drop(client)) held.drop(client)
      else await watched.release(client)
    }),
  )
  await Promise.all(moves)
}

/** A cap of less than one for each process rounds up: a client must not be shut out because a store is away. */
function shareOf(caps: Caps, processes: number): Caps {
  const part = (cap: number) => (cap > 0 ? Math.max(1, Math.floor(cap / processes)) : 0)
  return { requests: part(caps.requests), tokens: part(caps.tokens), concurrency: part(caps.concurrency) }
}
