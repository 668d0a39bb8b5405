import type { Span } from '@opentelemetry/api'
import type { Clock } from '../clock.ts'
import type { Facts } from '../facts.ts'
import { endAttempts } from './attempt-span.ts'
import { count } from './count.ts'
import { endOf } from './ended.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { quickLines } from './quick-lines.ts'
import { requestLine } from './request-line.ts'
import { endServerSpan, exemplarOf } from './server-span.ts'

export interface ProjectParts {
  readonly metrics: Metrics
  readonly log: Logger
  readonly clock: Clock
}

/** The trace that a request belongs to, also when it is not sampled: its log line has it too. */
export function traceIdOf(server: Span | undefined): string | undefined {
  return server?.spanContext().traceId
}

/**
 * Makes the function that turns a request's facts into span attributes, counters and one log line.
 * Call it once, when the response has closed, with what `serverSpan()` gave when the request began.
 */
export function createProject({ metrics, log, clock }: ProjectParts): (facts: Facts, server?: Span) => void {
  const lines = quickLines(log)
  return (facts, server) => {
    const ended = endOf(facts, clock)
    const exemplar = exemplarOf(server)
    endAttempts(facts)
    endServerSpan(ended, server)
    count(metrics, ended, exemplar)
    requestLine(lines, ended, server)
  }
}
