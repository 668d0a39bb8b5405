import { join } from 'node:path'
import { type Span, trace } from '@opentelemetry/api'
import pino, { type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import { type Clock, systemClock } from '../clock.ts'
import { describeError } from './causes.ts'
import { type LineOutput, lineOutput, MAX_WAITING } from './lines.ts'
import { redact } from './redact.ts'
import { sparing, warnOnStderr } from './sparing.ts'

export type { Logger } from 'pino'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Milliseconds that the end of the process waits for a full pipe of which nobody reads. */
const SETTLE_MS = 500

export interface LogOptions {
  readonly level: LogLevel
  /** Absent: pretty on a terminal, JSON elsewhere. Files are always JSON. */
  readonly format?: 'json' | 'pretty' | undefined
  /** Where the files go; then standard output gets warnings and worse only, so that nothing is written twice. */
  readonly dir?: string | undefined
  /** Who writes: the name in each line and of the file, one for each worker, since two processes cannot rotate one file. */
  readonly name: string
}

export interface Log {
  readonly logger: Logger
  /** Changes what is logged from now on, also by loggers made with `child()`, but for those with a level of their own. */
  setLevel(level: LogLevel): void
  /** Waits until no line is on its way any more, but not for a reader that has stopped. For the end of the process. */
  settle(): Promise<void>
  /** Writes out what is still in memory. Blocks; for the end of the process. */
  flush(): void
}

/**
 * Makes the process's log.
 * @throws Error when `dir` cannot be written to
 */
export async function createLog(options: LogOptions, clock: Clock = systemClock): Promise<Log> {
  const { level, name, dir } = options
  const complain = sparing(clock, 60_000, warnOnStderr)
  const { stdout, settle, flush } = standardOutput(options, complain)
  const logger = pino(
    {
      name,
      level,
      base: { pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
      // The pino instrumentation adds the same; this is for whoever has turned it off.
      mixin: traceOfNow,
      serializers: { err: (error: unknown) => describeError(error, logger.isLevelEnabled('debug')) },
      hooks: { streamWrite: redact },
    },
    dir === undefined ? stdout : await alsoFile(join(dir, name), stdout, complain),
  )
  return {
    logger,
    setLevel(to) {
      logger.level = to
    },
    settle: () => settle(clock),
    flush,
  }
}

function traceOfNow(): object {
  return traceFields(trace.getActiveSpan())
}

/**
 * What a line says of the trace that it belongs to, also when that is not sampled: whoever called may have kept it.
 * `trace_flags` is 01 where this process keeps it, 00 where nobody need look for it here.
 */
export function traceFields(span: Span | undefined): object {
  if (span === undefined) return {}
  const { traceId, spanId, traceFlags } = span.spanContext()
  return { trace_id: traceId, span_id: spanId, trace_flags: `0${traceFlags.toString(16)}` }
}

interface StandardOutput {
  readonly stdout: DestinationStream
  readonly settle: (clock: Clock) => Promise<void>
  readonly flush: () => void
}

function standardOutput({ format }: LogOptions, complain: (message: string) => void): StandardOutput {
  const terminal = process.stdout.isTTY === true
  if (format === 'pretty' || (format === undefined && terminal)) {
    // Written at once: a line that shows up late confuses whoever types at the terminal.
    const people = { colorize: terminal, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true }
    return { stdout: pretty(people), settle: async () => undefined, flush: () => undefined }
  }
  const stdout = lineOutput(1, complain)
  process.on('exit', stdout.flush)
  return { stdout, settle: (clock) => settleWith(stdout, clock), flush: stdout.flush }
}

async function settleWith(output: LineOutput, clock: Clock): Promise<void> {
  for (let before = -1; output.writes !== before; ) {
    before = output.writes
    const late = new Promise<boolean>((resolve) => clock.after(SETTLE_MS, () => resolve(false)))
    if (await Promise.race([output.settled().then(() => true), late])) return
  }
}

/** Lines of every level into files that change with the day and when they have grown; warnings also to `stdout`. */
async function alsoFile(
  file: string,
  stdout: DestinationStream,
  complain: (message: string) => void,
): Promise<DestinationStream> {
  // Loaded only where it is needed: 20 MB, most of it for the names of dates in all languages.
  const { default: roll } = await import('pino-roll')
  const rolled = await roll({
    file,
    mkdir: true,
    // A file takes a line at once, and then none waits that could be lost or keep the process from ending.
    sync: true,
    maxLength: MAX_WAITING,
    frequency: 'daily',
    dateFormat: 'yyyy-MM-dd',
    size: '100m',
    limit: { count: 10, removeOtherLogFiles: true },
  })
  // Without a listener a full disk would end the process.
  rolled.on('error', ({ code }: NodeJS.ErrnoException) => complain(`Log lines cannot be written to ${file}: ${code}`))
  rolled.on('drop', () => complain(`Log lines are dropped: they cannot be written to ${file}`))
  return pino.multistream([
    { level: 'trace', stream: rolled },
    { level: 'warn', stream: stdout },
  ])
}
