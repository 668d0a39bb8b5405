import type { Clock } from '../clock.ts'
import { warnOnStderr } from './sparing.ts'

/** What `register.ts` has started. */
export interface Tracing {
  shutdown(): Promise<void>
  /** Whether undici's instrumentation is on, which writes the context of a sampled request into what goes upstream. */
  readonly writesContext: boolean
  /** Spans lost so far, by reason. */
  dropped(): Iterable<readonly [total: number, reason: string]>
}

// One for the process, as OpenTelemetry's own API is. Kept in a file of its own, so that asking for it loads
// nothing of the SDK; `register.ts` may have been loaded long before by `--import`.
let running: Tracing | undefined
let emit = warnOnStderr

/** For `register.ts` only, and for tests, which also end it. */
export function setTracing(tracing: Tracing | undefined): void {
  running = tracing
}

/** Whether traces are made in this process, and the trace context that goes upstream is written by OpenTelemetry. */
export function tracingIsOn(): boolean {
  return running !== undefined
}

/** Whether the context of a sampled request is written by an instrumentation. */
export function contextIsWritten(): boolean {
  return running?.writesContext ?? false
}

/** Spans lost so far, by reason; empty while tracing is off. */
export function spansDropped(): Iterable<readonly [total: number, reason: string]> {
  return running?.dropped() ?? []
}

/** Sends the tracing's warnings, at most one a minute, to the log instead of stderr. */
export function warnTo(log: (fields: object, message: string) => void): void {
  emit = (message, heldBack) => log({ held_back: heldBack }, message)
}

/** For `sdk.ts` only. */
export function emitWarning(message: string, heldBack: number): void {
  emit(message, heldBack)
}

/**
 * Delivers the spans that are still in memory and stops. Never rejects; gives up after `timeoutMs` milliseconds, since
 * a collector that does not answer must not hold up the end of the process.
 */
export async function shutdownTracing(clock: Clock, timeoutMs: number): Promise<void> {
  const stopping = running
  if (stopping === undefined) return
  let cancel = () => {}
  const late = new Promise<string>((resolve) => {
    cancel = clock.after(timeoutMs, () => resolve('The last traces were not delivered in time'))
  })
  const failed = stopping.shutdown().then(
    () => undefined,
    () => 'The last traces could not be delivered',
  )
  const trouble = await Promise.race([failed, late])
  cancel()
  if (trouble !== undefined) emit(trouble, 0)
}
