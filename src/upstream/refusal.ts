import { ProxyError } from '../errors.ts'
import type { Headers, Outcome } from '../facts.ts'
import type { AttemptParts } from './call.ts'
import { outcomeOfStatus, refusesKey } from './classify.ts'
import type { Head } from './consumer.ts'
import { ownKeys, responseHeaders } from './headers.ts'
import { MAX_REST_MS, readReset, readRetryAfter } from './reset.ts'
import type { Upstream } from './upstream.ts'

/** An error body longer than this is not one that OpenAI's clients could read. */
export const MAX_REFUSAL_BYTES = 256 * 1024

/** How long the body of an error is waited for, once its status is known. */
export const MAX_REFUSAL_MS = 5000

/** What it means for the client, and for how long the upstream wants to be left alone, in milliseconds. */
export interface RefusalMeaning {
  readonly error: ProxyError
  readonly outcome: Outcome
  readonly restMs: number | undefined
}

/** Reads an error's status, headers and body, as far as it came. Only a 429 asks for rest; others' advice is for the client. */
export function readRefusal({ status, headers }: Head, body: string, parts: AttemptParts): RefusalMeaning {
  const { upstream, call, clock } = parts
  const outcome = outcomeOfStatus(status)
  const read = outcome === 'rate_limited' || status === 503 ? readReset : readRetryAfter
  const reset = outcome === 'rate_limited' || outcome === 'server_error' ? read(headers, clock) : undefined
  const retryAfter = reset === undefined ? undefined : reset.askedMs / 1000
  const error = call.explain(status, showsKey(upstream, body) ? '' : body, retryAfter, passedOn(headers))
  return {
    error,
    outcome,
    restMs: outcome === 'rate_limited' ? reset?.restMs : undefined,
  }
}

/** Leaves the upstream alone after a 429 for as long as it asks. One that asks for no time is spared, if the quota is shared. */
export function rest({ upstream, call }: AttemptParts, error: ProxyError, ms = restNamedBy(error)): void {
  if (ms !== undefined) upstream.breaker.rest(ms)
  else if (!call.clientKey) upstream.sparing.refused()
}

/** The page of a firewall or a load balancer in front of the API, which itself would answer with JSON. */
const PAGE = /^\s*</

/**
 * Leaves an upstream alone that refuses the operator's key. A firewall that says 403 may mean a single prompt, by which one
 * client could keep all others away, or everything that comes from here: the upstream is spared for a while.
 */
export function heedRefusedKey(parts: AttemptParts, error: ProxyError, outcome: Outcome, refusal?: string): void {
  const { breaker, sparing } = parts.upstream
  if (error.status === 403 && PAGE.test(refusal ?? '')) sparing.refused()
  else if (refusesKey(error, outcome, refusal, parts)) breaker.trip('unauthorized')
}

/** Milliseconds; Google says only in the body when to come again. */
function restNamedBy({ details: { retryAfter } }: ProxyError): number | undefined {
  return retryAfter === undefined ? undefined : Math.min(retryAfter * 1000, MAX_REST_MS)
}

/** The error that a stream of status 200 tells of, without its words where these quote the key that it refuses. */
export function withoutKey(error: ProxyError, upstream: Upstream): ProxyError {
  if (!showsKey(upstream, JSON.stringify(error))) return error
  const { upstream: _words, message: _message, ...details } = error.details
  return new ProxyError(error.code, { ...details, status: error.status })
}

/** What is left of its rate limits, say. When to come again is `retryAfter`, which has been read out of several headers. */
function passedOn(headers: Headers): Record<string, string> {
  const passed = responseHeaders(headers)
  delete passed['retry-after']
  delete passed['retry-after-ms']
  return passed
}

/** Some servers quote the key that they refuse; here it may be the operator's. */
function showsKey({ config }: Upstream, body: string): boolean {
  return ownKeys(config).some((key) => body.includes(key))
}
