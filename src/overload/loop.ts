import { performance } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'

/** Share of the time since it was last asked, 0 to 1, in which the event loop had something to do. */
export type LoopUse = () => number

/** The use of this process's event loop. Each function that this returns counts for itself. */
export function measureLoopUse(): LoopUse {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    return utilization
  }
}

const sampleMs = 50

/** Beyond this share of use there is no time to spare: what is done for one request is taken from another. */
const fullUse = 0.95

/** Follows how busy an event loop is; each answer costs no more than to read a number. */
export interface LoopWatch {
  /** How late the event loop runs. Milliseconds. */
  lagMs(): number
  /** Whether it has had no time to spare for the last few samples. */
  busy(): boolean
  stop(): void
}

/**
 * Measures the event loop's lag as the delay of a timer, halfway smoothed: one long collection of garbage refuses
 * nobody, a loop that stays late is seen within two samples. perf_hooks' histogram would have to be reduced to a
 * number for each request and includes its own resolution. Its use is smoothed in the same way.
 */
export function watchLoop(clock: Clock, useOfLoop: LoopUse): LoopWatch {
  let lag = 0
  let use = 0
  let due = clock.now() + sampleMs
  let cancel = clock.after(sampleMs, sample)
  function sample() {
    const now = clock.now()
    lag = (lag + Math.max(0, now - due)) / 2
    use = (use + useOfLoop()) / 2
    due = now + sampleMs
    cancel = clock.after(sampleMs, sample)
  }
  return { lagMs: () => lag, busy: () => use > fullUse, stop: () => cancel() }
}
