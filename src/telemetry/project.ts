import { type Span, trace } from '@opentelemetry/api'
import type { Clock } from '../clock.ts'
import type { Facts } from '../facts.ts'
import { endAttempts } from './attempt-span.ts'
import { count } from './count.ts'
import { type EndedRequest, endOf } from './ended.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Exemplar } from './registry.ts'
import { requestLine } from './request-line.ts'
import { serverAttributes as name } from './span-table.ts'

export interface ProjectParts {
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
}

/** The request's server span as it was when the request began; undefined while tracing is off. */
export function serverSpan(): Span | undefined {
  return trace.getActiveSpan()
}

/**
 * Makes the function that turns a request's facts into span attributes, counters and one log line.
 *
 * Call it once, when the response closes, and before the http instrumentation's own listener, which ends the span:
 * `res.prependOnceListener('close', …)`.
 * @returns a function of the facts and of what `serverSpan()` gave when the request began
 */
export function createProject(parts: ProjectParts): (facts: Facts, server: Span | undefined) => void {
  return (facts, server) => {
    const ended = endOf(facts, parts.clock)
    endAttempts(facts)
    describeServer(ended, server)
    count(parts.metrics, ended, exemplarOf(server))
    requestLine(parts.log, ended, server)
  }
}

function describeServer({ facts, status, code }: EndedRequest, server: Span | undefined): void {
  if (!server?.isRecording()) return
  // Only a known route may be part of a span's name.
  if (facts.route !== 'other') {
    server.updateName(`${facts.method} ${facts.route}`)
    server.setAttribute(name.route.name, facts.route)
  }
  const attributes = {
    [name.requestId.name]: facts.requestId,
    [name.mode.name]: facts.mode,
    [name.client.name]: facts.client,
    [name.model.name]: facts.model,
    [name.upstream.name]: facts.attempts.at(-1)?.upstream,
    [name.attempts.name]: facts.attempts.length,
    [name.status.name]: status,
    [name.code.name]: code,
  }
  server.setAttributes(attributes)
}

/** Only a trace that is kept is worth a link to it. */
function exemplarOf(server: Span | undefined): Exemplar | undefined {
  if (!server?.isRecording()) return undefined
  const { traceId, spanId } = server.spanContext()
  return { trace_id: traceId, span_id: spanId }
}
