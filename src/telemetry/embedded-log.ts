import { trace } from '@opentelemetry/api'
import pino, { type Logger } from 'pino'
import { describeError } from './causes.ts'
import type { LogLevel } from './log.ts'
import { redactor } from './redact.ts'

/** A line of the log: its level, its message, and what else there is to say. */
export interface LogLine {
  readonly level: LogLevel
  /** Epoch milliseconds. */
  readonly time: number
  readonly msg: string
  readonly [field: string]: unknown
}

export interface EmbeddedLogOptions {
  readonly level: LogLevel
  /** To be blotted out wherever they turn up. */
  readonly keys: readonly string[]
  /** Takes the lines; without it nothing is logged, and nothing is spent on it. */
  readonly onLine: ((line: LogLine) => void) | undefined
}

/** The log for a process that has one of its own: it opens nothing, and writes nothing by itself. */
export function embeddedLog({ level, keys, onLine }: EmbeddedLogOptions): Logger {
  if (onLine === undefined) return pino({ level: 'silent' }, { write() {} })
  const logger: Logger = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceOfNow,
      serializers: { err: (error: unknown) => describeError(error, logger.isLevelEnabled('debug')) },
      hooks: { streamWrite: redactor(keys) },
    },
    // Read again rather than handed on as it was: keys are blotted out of the finished line only.
    { write: (line: string) => onLine(JSON.parse(line)) },
  )
  return logger
}

function traceOfNow(): object {
  const context = trace.getActiveSpan()?.spanContext()
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId }
}
