const firstMs = 250
const longestMs = 30_000

/** A worker that has lived so long was healthy; its death is no reason to wait before the next. Milliseconds. */
export const healthyAfterMs = 10_000

/**
 * How long to wait before a worker is started again, in milliseconds. The first time not at all, since requests wait
 * for it; then longer and longer, so that a worker that cannot live does not take the machine.
 */
export function respawnDelay(deathsInARow: number): number {
  return deathsInARow === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (deathsInARow - 1))
}
