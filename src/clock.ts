/**
 * Time as an argument: whoever waits or measures is given a clock, so that a test can move it by hand.
 */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number
  /** Milliseconds since the epoch, for what other systems read. */
  wall(): number
  /** Calls `done` once after `ms` milliseconds, 24 days at most, unless the returned function is called before. */
  after(ms: number, done: () => void): () => void
}

/** Node fires a timer that is longer than this at once: who may take for ever to finish would be cut off. */
const LONGEST_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, done) {
    const timer = setTimeout(done, Math.min(ms, LONGEST_MS))
    return () => clearTimeout(timer)
  },
}
