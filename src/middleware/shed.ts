import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import type { Stage } from '../facts.ts'

/** What this process is doing right now; asked once a request, so each answer must be as cheap as reading a number. */
export interface Load {
  /** Requests being handled, the one that asks included. */
  inFlight(): number
  /** How late the event loop runs. Milliseconds. */
  lagMs(): number
  draining(): boolean
}

export interface LoadCaps {
  readonly maxConcurrency: number
  /** Milliseconds; 0 means that no lag is too long. */
  readonly maxLagMs: number
}

/** Long enough for a burst to pass, short enough that a client is not lost. Seconds. */
const retryAfter = 1

/**
 * Refuses what this process cannot take on, before any work is done for it: draining or overloaded, with Retry-After.
 * Under overload each request admitted makes all others later, until none is answered in time.
 */
export function shed(load: Load, caps: LoadCaps): Stage {
  const maxLagMs = caps.maxLagMs === 0 ? Number.POSITIVE_INFINITY : caps.maxLagMs
  return (_ctx, next) => {
    // The connection is closed as well: the client's next request then reaches a process that stays.
    if (load.draining()) {
      throw withoutStack(() => new ProxyError('draining', { retryAfter, headers: { connection: 'close' } }))
    }
    if (load.inFlight() > caps.maxConcurrency || load.lagMs() > maxLagMs) {
      throw withoutStack(() => new ProxyError('overloaded', { retryAfter }))
    }
    return next()
  }
}

/** To capture the stack took a quarter of what it costs to refuse, and it says nothing here. */
function withoutStack(make: () => ProxyError): ProxyError {
  const depth = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = make()
  Error.stackTraceLimit = depth
  return error
}

const sampleMs = 50

/** Follows how late this process's event loop runs, for `Load.lagMs`. */
export interface LagWatch {
  lagMs(): number
  stop(): void
}

/**
 * Measures the event loop's lag as the delay of a timer, halfway smoothed: one long collection of garbage refuses
 * nobody, a loop that stays late is seen within two samples. perf_hooks' histogram would have to be reduced to a
 * number for each request and includes its own resolution.
 */
export function watchLag(clock: Clock): LagWatch {
  let lag = 0
  let due = clock.now() + sampleMs
  let cancel = clock.after(sampleMs, sample)
  function sample() {
    const now = clock.now()
    lag = (lag + Math.max(0, now - due)) / 2
    due = now + sampleMs
    cancel = clock.after(sampleMs, sample)
  }
  return { lagMs: () => lag, stop: () => cancel() }
}
