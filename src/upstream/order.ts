import type { AttemptFacts, Facts } from '../facts.ts'
import type { Lease } from './balancer.ts'
import type { Call } from './call.ts'
import type { Failure } from './classify.ts'
import type { Upstream } from './upstream.ts'

/** What one request wants of the upstreams, whichever of them it will be. */
export interface Order<Made extends Call> {
  readonly facts: Facts
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
  /** The clock's time at which the request as a whole is over. */
  readonly deadlineAt: number
  readonly model: string | undefined
  readonly hashKey: string | undefined
  /** Makes the call for one upstream; a new consumer each time, so that nothing of a failed try is left. */
  prepare(upstream: Upstream, model: string | undefined, signal: AbortSignal, attempt: AttemptFacts): Made
  /**
   * Whether the refusal may be about something that the proxy had added, which the next call will leave out; true once
   * for each such thing.
   */
  adapts(upstream: Upstream, failure: Failure, call: Made): boolean
  /** Told when that call was answered: what was left out may be left out of other requests as well. */
  adapted(upstream: Upstream): void
}

/** One try, before it has ended. */
export interface Run<Made extends Call> {
  readonly call: Made
  readonly lease: Lease
  readonly facts: AttemptFacts
}

/** The try that answered, or the failure of the one that did not. */
export interface Ended<Made extends Call> extends Run<Made> {
  readonly failure: Failure | undefined
}
