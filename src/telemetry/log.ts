import { join } from 'node:path'
import { trace } from '@opentelemetry/api'
import pino, { type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import { type Clock, systemClock } from '../clock.ts'
import { describeError } from './causes.ts'
import { redactor } from './redact.ts'
import { sparing, warnOnStderr } from './sparing.ts'

export type { Logger } from 'pino'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

export interface LogOptions {
  readonly level: LogLevel
  /** Absent: pretty on a terminal, JSON elsewhere. Files are always JSON. */
  readonly format?: 'json' | 'pretty' | undefined
  /** Where the files go; then standard output gets warnings and worse only, so that nothing is written twice. */
  readonly dir?: string | undefined
  /** Who writes: the name in each line and of the file, one for each worker, since two processes cannot rotate one file. */
  readonly name: string
  /** The proxy's own keys, to be blotted out wherever they turn up. */
  readonly keys?: readonly string[]
}

export interface Log {
  readonly logger: Logger
  /** Changes what is logged from now on; loggers made with `child()` before keep their level. */
  setLevel(level: LogLevel): void
  /** Writes out what is still in memory. Blocks; for the end of the process. */
  flush(): void
}

type Destination = ReturnType<typeof pino.destination>

const MIB = 1024 * 1024
// Whole lines in writes that a pipe takes at once (PIPE_BUF): workers share one, and longer writes would mix.
const BUFFERED = { sync: false, minLength: 4095, maxWrite: 4096, periodicFlush: 200 }
// Whoever reads the log may stop reading; beyond this, lines are dropped, and the proxy lives.
const MAX_WAITING_BYTES = 8 * MIB

/**
 * Makes the process's log.
 * @throws Error when `dir` cannot be written to
 */
export async function createLog(options: LogOptions, clock: Clock = systemClock): Promise<Log> {
  const { level, name, dir, keys } = options
  const outputs: Destination[] = []
  const stdout = standardOutput(options, outputs, clock)
  const stream = dir === undefined ? stdout : await alsoFile(join(dir, name), stdout, outputs, clock)
  const logger = pino(
    {
      name,
      level,
      base: { pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
      // The pino instrumentation would add these as well, but it wraps every line; see docs/tracing.md.
      mixin: traceOfNow,
      serializers: { err: (error: unknown) => describeError(error, logger.isLevelEnabled('debug')) },
      hooks: { streamWrite: redactor(keys) },
    },
    stream,
  )
  return {
    logger,
    setLevel: (to) => {
      logger.level = to
    },
    flush: () => outputs.forEach(flush),
  }
}

/** The trace that the line belongs to, also when it is not sampled: whoever called may have kept it. */
function traceOfNow(): object {
  const span = trace.getActiveSpan()
  if (span === undefined) return {}
  const { traceId, spanId } = span.spanContext()
  return { trace_id: traceId, span_id: spanId }
}

function standardOutput({ format }: LogOptions, outputs: Destination[], clock: Clock): DestinationStream {
  const terminal = process.stdout.isTTY === true
  // Written at once: a line that shows up late confuses whoever types at the terminal.
  if (format === 'pretty' || (format === undefined && terminal)) {
    return pretty({ colorize: terminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true })
  }
  const stdout = pino.destination({ ...BUFFERED, dest: 1, maxLength: MAX_WAITING_BYTES })
  outputs.push(survive(stdout, 'standard output', clock))
  return stdout
}

async function alsoFile(
  file: string,
  stdout: DestinationStream,
  outputs: Destination[],
  clock: Clock,
): Promise<DestinationStream> {
  // Loaded only where it is needed: 20 MB, most of it for the names of dates in all languages.
  const { default: roll } = await import('pino-roll')
  const rolled = await roll({
    ...BUFFERED,
    file,
    mkdir: true,
    maxLength: MAX_WAITING_BYTES,
    frequency: 'daily',
    dateFormat: 'yyyy-MM-dd',
    size: '100m',
    limit: { count: 10, removeOtherLogFiles: true },
  })
  await opened(rolled)
  outputs.push(survive(rolled, file, clock))
  process.on('exit', () => flush(rolled))
  return pino.multistream([
    { level: 'trace', stream: rolled },
    { level: 'warn', stream: stdout },
  ])
}

function opened(output: Destination): Promise<void> {
  return new Promise((resolve, reject) => {
    output.once('ready', resolve)
    output.once('error', reject)
  })
}

/** A full disk or a reader that has gone must cost lines, never the process: an `error` without a listener would end it. */
function survive(output: Destination, where: string, clock: Clock): Destination {
  const complain = sparing(clock, 60_000, warnOnStderr)
  output.on('error', (error: NodeJS.ErrnoException) =>
    complain(`Log lines cannot be written to ${where}: ${error.code}`),
  )
  output.on('drop', () => complain(`Log lines are dropped: ${where} does not take them fast enough`))
  return output
}

function flush(output: Destination): void {
  try {
    output.flushSync()
  } catch (error) {
    warnOnStderr(`The last log lines could not be written: ${error instanceof Error ? error.message : 'unknown'}`, 0)
  }
}
