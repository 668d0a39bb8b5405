import { type ErrorCode, errorTable } from '../errors.ts'
import type { AttemptFacts, Facts } from '../facts.ts'
import { methodLabel, statusLabel } from './bounded.ts'
import type { EndedRequest } from './ended.ts'
import { operationOf, phaseOf } from './genai.ts'
import type { Metrics } from './metrics.ts'
import { isProbe } from './request-line.ts'
import type { Exemplar } from './tally.ts'

/** Counts a request that is over, its tries and its tokens. */
export function count(metrics: Metrics, ended: EndedRequest, exemplar: Exemplar | undefined): void {
  const { facts, totalMs, overheadMs, status, code } = ended
  const { route, mode } = facts
  metrics.requestDuration(totalMs / 1000, exemplar, route, methodLabel(facts.method), statusLabel(status), mode)
  // Probes come every few seconds and take no time: among requests they would hide what these take.
  if (!isProbe(route)) metrics.overhead(overheadMs / 1000, undefined, mode)
  if (code !== undefined && isOwnRefusal(code)) metrics.rejected(1, code)
  countLimits(metrics, facts)
  const model = metrics.model(facts.model)
  for (const attempt of facts.attempts) countAttempt(metrics, facts, attempt, model, exemplar)
}

/** A client that left was refused nothing; where no upstream could be used, none was asked that might have failed. */
function isOwnRefusal(code: ErrorCode): boolean {
  if (code === 'client_closed_request') return false
  return errorTable[code].blame !== 'upstream' || code === 'no_upstream'
}

function countLimits(metrics: Metrics, { limit }: Facts): void {
  if (limit === undefined) return
  if (limit.refusedBy !== undefined) metrics.rateLimitDecisions(1, limit.refusedBy, 'refused')
  // Of limits behind the one that refused, nothing is known.
  if (!limit.ok) return
  if (limit.requests) metrics.rateLimitDecisions(1, 'requests', 'allowed')
  if (limit.tokens) metrics.rateLimitDecisions(1, 'tokens', 'allowed')
  if (limit.slot) metrics.rateLimitDecisions(1, 'concurrency', 'allowed')
}

function countAttempt(
  metrics: Metrics,
  facts: Facts,
  attempt: AttemptFacts,
  model: string,
  exemplar: Exemplar | undefined,
): void {
  const upstream = metrics.upstream(attempt.upstream)
  const outcome = attempt.outcome ?? 'aborted'
  metrics.attempts(1, upstream, outcome)
  if (attempt.retried) metrics.retries(1, outcome, phaseOf(attempt))
  countTokens(metrics, attempt, model)
  if (facts.mode !== 'plain') metrics.streamEvents(attempt.events, upstream)
  metrics.streamBytes(attempt.bytes, upstream)
  const operation = operationOf(facts.route)
  if (operation === undefined || attempt.endedAt === undefined) return
  const failure = outcome === 'ok' ? '' : outcome
  const labels = [operation, metrics.provider(attempt.upstream), model, upstream, failure] as const
  metrics.operationDuration((attempt.endedAt - attempt.startedAt) / 1000, exemplar, ...labels)
  if (facts.mode !== 'plain') observeEvents(metrics, attempt, attempt.endedAt, exemplar, labels)
}

type GenAiLabels = readonly [operation: string, provider: string, model: string, upstream: string, error: string]

/** Of an answer in one piece there is no first event to tell, only a first piece of its body. */
function observeEvents(
  metrics: Metrics,
  { startedAt, firstEventAt, events }: AttemptFacts,
  endedAt: number,
  exemplar: Exemplar | undefined,
  labels: GenAiLabels,
): void {
  if (firstEventAt === undefined) return
  metrics.timeToFirstChunk((firstEventAt - startedAt) / 1000, exemplar, ...labels)
  // One event has no time between; the mean of the others needs no look at the clock for each of them.
  if (events > 1) metrics.timePerChunk((endedAt - firstEventAt) / 1000 / (events - 1), exemplar, ...labels)
}

/** Of each try that has told what it cost: one that broke off behind its counts is billed all the same. */
function countTokens(metrics: Metrics, { usage }: AttemptFacts, model: string): void {
  if (usage === undefined) return
  metrics.tokens(usage.input, 'input', model)
  metrics.tokens(usage.output, 'output', model)
  metrics.tokens(usage.cached, 'cached', model)
  metrics.tokens(usage.reasoning, 'reasoning', model)
}
