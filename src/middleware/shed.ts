import type { IncomingMessage } from 'node:http'
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

/** Told of each refusal; says after how many seconds the client may come again. */
export type Refused = (req: IncomingMessage) => number

export interface LoadCaps {
  readonly maxConcurrency: number
  /** Milliseconds; 0 means that no lag is too long. */
  readonly maxLagMs: number
}

/** Another process takes the client's next request. Seconds. */
const drainingRetryAfter = 1

/**
 * Refuses what this process cannot take on, before any work is done for it: draining or overloaded, with Retry-After.
 * Under overload each request admitted makes all others later, until none is answered in time.
 */
export function shed(load: Load, caps: LoadCaps, refused: Refused): Stage {
  const maxLagMs = caps.maxLagMs === 0 ? Number.POSITIVE_INFINITY : caps.maxLagMs
  return (ctx, next) => {
    if (load.draining()) throw withoutStack(draining)
    if (load.inFlight() > caps.maxConcurrency || load.lagMs() > maxLagMs) {
      const retryAfter = refused(ctx.req)
      throw withoutStack(() => new ProxyError('overloaded', { retryAfter }))
    }
    return next()
  }
}

/** The connection is closed as well: the client's next request then reaches a process that stays. */
export function draining(): ProxyError {
  return new ProxyError('draining', { retryAfter: drainingRetryAfter, headers: { connection: 'close' } })
}

/** To capture the stack took a quarter of what it costs to refuse, and it says nothing here. */
function withoutStack(make: () => ProxyError): ProxyError {
  const depth = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const error = make()
  Error.stackTraceLimit = depth
  return error
}
