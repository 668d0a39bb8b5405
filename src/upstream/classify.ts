import type { ProxyError } from '../errors.ts'
import type { AttemptFacts, Outcome } from '../facts.ts'
import type { Verdict } from './breaker.ts'
import type { Call } from './call.ts'
import { carriesClientAccount } from './headers.ts'
import type { Upstream } from './upstream.ts'

/** What a failed try means for the request: its error, and whether another try may do better. */
export interface Failure {
  readonly error: ProxyError
  readonly outcome: Outcome
  readonly retryable: boolean
  /** The body of an answer that was an error, as it came; for this process only. */
  readonly refusal: string | undefined
}

/** Outcomes after which another upstream, or the same a little later, may well answer. */
const worthAnother: ReadonlySet<Outcome> = new Set<Outcome>([
  'connect',
  'connect_timeout',
  'first_event_timeout',
  'idle_timeout',
  'rate_limited',
  'server_error',
  'truncated',
  'invalid',
])

/**
 * Outcomes that say nothing about the upstream's health: the client's doing, a quota, our own caps. The total time is
 * used up by slow uploads and earlier tries as well; an upstream that is slow itself breaks one of the other time-outs.
 */
const blameless: ReadonlySet<Outcome> = new Set<Outcome>([
  'rate_limited',
  'unauthorized',
  'client_error',
  'too_large',
  'aborted',
  'lost_hedge',
  'total_timeout',
])

/** Outcomes that end a try because of its silence, where no event had come: whoever waited has had enough of it. */
const silent: ReadonlySet<Outcome> = new Set<Outcome>([
  'connect_timeout',
  'first_event_timeout',
  'total_timeout',
  'aborted',
  'lost_hedge',
])

/** Whether a try that has ended was waited for in vain, whosever fault that was. */
export function isSilent({ events, outcome }: AttemptFacts): boolean {
  return events === 0 && outcome !== undefined && silent.has(outcome)
}

/** A try begins a little after its request: silence for so much of the time counts as silence for all of it. */
const NEARLY_ALL = 0.9

/**
 * The one place where a failure is judged.
 * @param ownKey the upstream's key is the operator's; when it is refused, the client can do nothing about it
 */
export function toFailure(error: ProxyError, outcome: Outcome, ownKey: boolean, refusal?: string): Failure {
  const retryable = worthAnother.has(outcome) || (outcome === 'unauthorized' && ownKey)
  return { error, outcome, retryable, refusal }
}

/** @param unanswered no event has come, and the upstream had the time for one */
export function verdictOf(outcome: Outcome, unanswered: boolean): Verdict {
  if (outcome === 'ok') return 'success'
  if (outcome === 'total_timeout' && unanswered) return 'failure'
  return blameless.has(outcome) ? 'none' : 'failure'
}

/**
 * Whether a try got nothing for as long as the first event may take, or the request as a whole where that is shorter:
 * then the total time-out comes in the place of the one for the first event.
 * @param askedAt the clock's time at which the request as a whole began
 */
export function isUnanswered(
  { events, startedAt, endedAt = startedAt }: AttemptFacts,
  { firstEventMs, deadlineAt }: Call['patience'],
  askedAt: number,
): boolean {
  const allowed = Math.min(firstEventMs, deadlineAt - askedAt)
  return events === 0 && endedAt - startedAt >= NEARLY_ALL * allowed
}

/** What a 402 or 403 says that is about one request alone: the model, the prompt, or more tokens than can be paid for. */
const ABOUT_ONE =
  /model_not_(found|available)|access to model|moderation|flagged|content_(policy|filter)|safety|max_tokens|tokens limit/i

/** What a 401 says that is about the headers which name an organization or a project, and not about the key. */
const ABOUT_ACCOUNT = /(mismatched|invalid|no such)[ _](organization|project)|(organization|project) header/i

/**
 * Whether nobody's request can succeed with this key. A 401 may be about the organization that one client has named; a
 * 402 or 403 about its model or prompt, and one that comes within a stream must be, since the key had been taken by then.
 * @param refusal the body, where the status has said it
 */
export function refusesKey(
  { status }: ProxyError,
  outcome: Outcome,
  refusal: string | undefined,
  { upstream, call }: { readonly upstream: Pick<Upstream, 'config'>; readonly call: Pick<Call, 'headers'> },
): boolean {
  if (outcome !== 'unauthorized') return false
  if (status === 401) return !ABOUT_ACCOUNT.test(refusal ?? '') || !carriesClientAccount(call.headers, upstream.config)
  return refusal !== undefined && !ABOUT_ONE.test(refusal)
}

/** How an error that a consumer found in the answer counts. */
export function outcomeOf(error: ProxyError): Outcome {
  switch (error.code) {
    case 'upstream_truncated':
      return 'truncated'
    case 'upstream_too_large':
      return 'too_large'
    case 'upstream_error':
      return outcomeOfStatus(error.status)
    case 'client_closed_request':
      return 'aborted'
    default:
      return 'invalid'
  }
}

/** How an upstream's HTTP status counts, or the status that an error in its stream names. */
export function outcomeOfStatus(status: number): Outcome {
  if (status === 429) return 'rate_limited'
  // 402 is DeepSeek's and OpenRouter's for a balance that is used up: the key is good for nothing then.
  if (status >= 401 && status <= 403) return 'unauthorized'
  // 408 is the server's own impatience, which another server may not share.
  if (status >= 500 || status === 408) return 'server_error'
  return status >= 400 ? 'client_error' : 'invalid'
}
