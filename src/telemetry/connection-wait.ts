import { subscribe } from 'node:diagnostics_channel'
import type { Span } from '@opentelemetry/api'
import type { Clock } from '../clock.ts'
import { httpAttributes } from './span-table.ts'

interface Waiting {
  readonly span: Span
  /** The clock's milliseconds. */
  readonly since: number
}

/**
 * Writes on undici's span how long its request waited for a connection: in the pool's queue, for DNS, TCP and TLS.
 * Without it a slow connection and a slow model look the same in a trace, since the span begins before both.
 * @returns the hook that undici's instrumentation is to call for each span that it begins
 */
export function connectionWait(clock: Pick<Clock, 'now'>): (span: Span, request: object) => void {
  const waiting = new WeakMap<object, Waiting>()
  // Published by undici when it has a connection and writes the request's head on it.
  subscribe('undici:client:sendHeaders', (message) => {
    const request = requestOf(message)
    const found = request && waiting.get(request)
    found?.span.setAttribute(httpAttributes.connectionWait.name, Math.round((clock.now() - found.since) * 1000) / 1000)
  })
  return (span, request) => waiting.set(request, { span, since: clock.now() })
}

/** https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md#undiciclientsendheaders */
function requestOf(message: unknown): object | undefined {
  if (typeof message !== 'object' || message === null || !('request' in message)) return undefined
  return typeof message.request === 'object' && message.request !== null ? message.request : undefined
}
