import type { Clock } from '../clock.ts'
import { type ErrorCode, errorTable } from '../errors.ts'
import type { Facts } from '../facts.ts'

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
  const upstreamMs = Math.min(totalMs, facts.upstreamMs + (facts.clientLeft ? stillWaited(facts) : 0))
  const overheadMs = totalMs - upstreamMs
  // A client that left saw no status, whatever the answer under way had.
  const { status, code } = facts.clientLeft
    ? { status: errorTable.client_closed_request.status, code: 'client_closed_request' as const }
    : facts
  return { facts, totalMs, upstreamMs, overheadMs, status, code }
}

/**
 * When the client leaves, the try that it was waiting for is aborted, but added to `facts.upstreamMs` only after this:
 * its whole wait would show as the proxy's own work.
 */
function stillWaited({ attempts }: Facts): number {
  return attempts.reduce((sum, { outcome, waitedMs }) => sum + (outcome === 'aborted' ? waitedMs : 0), 0)
}
