import type { IncomingMessage } from 'node:http'
import { context, propagation, trace } from '@opentelemetry/api'
import type { InstrumentationConfigMap } from '@opentelemetry/auto-instrumentations-node'
import { getStringFromEnv } from '@opentelemetry/core'
import { systemClock } from '../clock.ts'
import { connectionWait } from './connection-wait.ts'
import { isExported } from './otel-env.ts'
import { isUntraced } from './server-span.ts'

/** How the instrumentations behave that are on. Which are on is said by `OTEL_NODE_ENABLED_INSTRUMENTATIONS`. */
export function instrumentationOptions(): InstrumentationConfigMap {
  return {
    '@opentelemetry/instrumentation-http': {
      ignoreIncomingRequestHook: ({ url = '/' }: IncomingMessage) => isUntraced(url),
      // Upstreams are asked by undici, which has its own; nothing else here asks over node:http but the exporter.
      disableOutgoingRequestInstrumentation: true,
    },
    '@opentelemetry/instrumentation-undici': {
      // A probe of an upstream belongs to no request.
      requireParentforSpans: true,
      ignoreRequestHook: onlyPropagate,
      requestHook: connectionWait(systemClock),
    },
    // Where no logs are exported it would still parse every line, only to drop it.
    '@opentelemetry/instrumentation-pino': { disableLogSending: !isExported(getStringFromEnv('OTEL_LOGS_EXPORTER')) },
  }
}

interface OutgoingRequest {
  /** Names and values in turns. */
  readonly headers?: unknown
  readonly addHeader?: (name: string, value: string) => void
}

/**
 * Leaves the instrumentation's work undone for a request that is not sampled: URL and headers parsed for a span that
 * nobody will see. Its trace context is among its headers already, unless it has one that is active: then another
 * instrumentation, such as http's, has made its server span.
 */
function onlyPropagate(request: OutgoingRequest): boolean {
  const active = context.active()
  const span = trace.getSpan(active)
  if (span === undefined) return true
  if (span.isRecording()) {
    dropContext(request)
    return false
  }
  propagation.inject(active, request, { set: (to, name, value) => to.addHeader?.(name, value) })
  return true
}

let foreign: ReadonlySet<string> | undefined

/**
 * Takes out what the client sent of a context that the instrumentation is about to write: it adds headers, and a second
 * one of the same name would be no context any more. The W3C's have been left out before.
 */
function dropContext({ headers }: OutgoingRequest): void {
  foreign ??= new Set(propagation.fields().filter((name) => !/^(traceparent|tracestate|baggage)$/.test(name)))
  if (foreign.size === 0 || !Array.isArray(headers)) return
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    if (foreign.has(String(headers[at]).toLowerCase())) headers.splice(at, 2)
  }
}
