import type { Span } from '@opentelemetry/api'
import { errorTable } from '../errors.ts'
import type { Route } from '../facts.ts'
import type { EndedRequest } from './ended.ts'
import { firstEventOf } from './genai.ts'
import { type Logger, type LogLevel, traceFields } from './log.ts'

const probes: ReadonlySet<Route> = new Set<Route>(['/health', '/health/live', '/health/ready'])

/** Whether a request only asks how this process is. */
export function isProbe(route: Route): boolean {
  return probes.has(route)
}

// A client may write a model of any length, and every line is kept by someone.
const LONGEST_MODEL = 128

/** Writes the one log line of a request. Times are milliseconds, sizes bytes. */
export function requestLine(log: Logger, ended: EndedRequest, server: Span | undefined): void {
  const level = levelOf(ended)
  if (!log.isLevelEnabled(level)) return
  const { facts, totalMs, upstreamMs, overheadMs, status, code } = ended
  const last = facts.attempts.at(-1)
  const firstEventAt = last && firstEventOf(facts, last)
  const line = {
    request_id: facts.requestId,
    ...traceFields(server),
    method: facts.method,
    route: facts.route,
    mode: facts.mode,
    client: facts.client,
    model: facts.model?.slice(0, LONGEST_MODEL),
    upstream: last?.upstream,
    attempts: facts.attempts.length,
    tried:
      facts.attempts.length > 1 ? facts.attempts.map(({ upstream, outcome }) => `${upstream}:${outcome}`) : undefined,
    status,
    code,
    duration_ms: round(totalMs),
    upstream_ms: round(upstreamMs),
    overhead_ms: round(overheadMs),
    first_event_ms: firstEventAt === undefined ? undefined : round(firstEventAt - facts.startedAt),
    input_tokens: facts.usage?.input,
    output_tokens: facts.usage?.output,
    cached_tokens: facts.usage?.cached,
    reasoning_tokens: facts.usage?.reasoning,
    request_bytes: facts.requestBytes,
    response_bytes: facts.responseBytes,
    err: facts.failure,
  }
  log[level](line, 'request')
}

/** A microsecond is as exact as the clock is; more digits would only make the line longer. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

function levelOf({ facts, status, code }: EndedRequest): LogLevel {
  if (code === 'internal_error') return 'error'
  // Probes come every few seconds from several places, and would bury the requests.
  if (isProbe(facts.route)) return 'debug'
  const theirs = code === undefined || errorTable[code].blame === 'client'
  return status >= 500 || !theirs ? 'warn' : 'info'
}
