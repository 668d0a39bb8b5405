/**
 * Time as an argument: whoever waits or measures is given a clock, so that a test can move it by hand.
 */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  now(): number
  /** Milliseconds since the epoch, for what other systems read. */
  wall(): number
  /** Calls `done` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, done: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, done) {
    const timer = setTimeout(done, ms)
    return () => clearTimeout(timer)
  },
}
