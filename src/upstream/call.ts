import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import type { AttemptFacts, Facts } from '../facts.ts'
import type { Failure } from './classify.ts'
import type { Consumer } from './consumer.ts'
import type { Upstream } from './upstream.ts'
import type { Patience } from './watchdog.ts'

/** One request as it goes to one upstream. */
export interface Call {
  /** The request that it is a try of. */
  readonly request: Facts
  /** The upstream's own name for the model. */
  readonly model: string | undefined
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** The key among them is the client's own, and so is the quota behind it. */
  readonly clientKey: boolean
  /** Clients may bring such a key. Where theirs are this proxy's, an upstream gets the operator's or none. */
  readonly passKeys: boolean
  readonly body: string | undefined
  readonly consumer: Consumer
  readonly patience: Patience
  /** Ends the try at once: the client left, this process goes, or another try has answered first. */
  readonly signal: AbortSignal
  /** Makes the error for the client out of an answer that is one. `retryAfter` is in seconds; `headers` may pass. */
  explain(status: number, body: string, retryAfter: number | undefined, headers: Record<string, string>): ProxyError
  /** Told once, when the first event with data has come. */
  onFirstEvent?: () => void
}

/** Who is asked for what. */
export interface AttemptParts {
  readonly upstream: Upstream
  readonly call: Call
  readonly clock: Clock
}

/** The reason of an abort that is nobody's fault: another try answered first. */
export const LOST_HEDGE = 'lost_hedge'

/** What becomes of a request whose signal was aborted: the error that this process ends it with, or its client has left. */
export function endOf({ reason }: AbortSignal): ProxyError {
  return reason instanceof ProxyError ? reason : new ProxyError('client_closed_request')
}

/** One try at one upstream. Resolves with undefined when the consumer has its answer; never rejects. */
export type Attempt = (upstream: Upstream, call: Call, facts: AttemptFacts) => Promise<Failure | undefined>
