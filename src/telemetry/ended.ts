import type { Clock } from '../clock.ts'
import { type ErrorCode, errorTable } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { waitedSoFar } from '../waiting.ts'

/** A request that is over, and what follows from its facts. Times are milliseconds. */
export interface EndedRequest {
  readonly facts: Facts
  readonly totalMs: number
  readonly upstreamMs: number
  /** The total less what was only waited for an upstream. */
  readonly overheadMs: number
  readonly status: number
  readonly code: ErrorCode | undefined
}

/** Takes the time; call it when the response closes. */
export function endOf(facts: Facts, clock: Pick<Clock, 'now'>): EndedRequest {
  const totalMs = clock.now() - facts.startedAt
  // When the client leaves, what it was waiting for is aborted, and added to the facts only after this.
  const upstreamMs = Math.min(totalMs, facts.upstreamMs + waitedSoFar(facts))
  const overheadMs = totalMs - upstreamMs
  // A client that left saw no status, whatever the answer under way had.
  const { status, code } = facts.clientLeft
    ? { status: errorTable.client_closed_request.status, code: 'client_closed_request' as const }
    : facts
  return { facts, totalMs, upstreamMs, overheadMs, status, code }
}
