import type { Facts } from './facts.ts'

/**
 * How long a request has waited for upstreams since it last began to, less the time in which this process was busy with
 * what they sent: from the first of the tries since then to the end of the last. Two beside each other are waited for once.
 * Milliseconds; 0 while it waits for none.
 */
export function waitedSoFar({ waitingSince, attempts }: Facts): number {
  if (waitingSince === undefined) return 0
  let end = waitingSince
  let busy = 0
  for (const { startedAt, endedAt, waitedMs } of attempts) {
    if (startedAt < waitingSince || endedAt === undefined) continue
    end = Math.max(end, endedAt)
    busy += endedAt - startedAt - waitedMs
  }
  return Math.max(0, end - waitingSince - busy)
}

/** The tries that were waited for have ended. */
export function endWait(facts: Facts): void {
  facts.upstreamMs += waitedSoFar(facts)
  facts.waitingSince = undefined
}
