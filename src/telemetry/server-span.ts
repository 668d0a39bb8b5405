import type { IncomingMessage } from 'node:http'
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import type { Headers, State } from '../facts.ts'
import type { EndedRequest } from './ended.ts'
import { serverAttributes as name } from './span-table.ts'
import type { Exemplar } from './tally.ts'
import { contextIsWritten, tracingIsOn } from './tracing.ts'

const tracer = trace.getTracer('openai-proxy')

// Asked for every few seconds by orchestrators and scrapers; as traces they would bury the requests.
const UNTRACED = /^\/(?:health|live|session|page|metrics|status|reload|log-level|heap-snapshot|cpu-profile)(?:[/?]|$)/

// Those of the http instrumentation are ended by it, after its own last attributes.
const own = new WeakSet<Span>()

/** Whether requests for a path, or a URL without its origin, make no spans. */
export function isUntraced(path: string): boolean {
  return UNTRACED.test(path)
}

/** What of a request its server span is made of, and where it is kept what follows from that. */
export interface Opened {
  readonly req: IncomingMessage
  readonly state: Pick<State, 'sampled' | 'traceHeaders'>
}

// The span of the request that begins just now, until its first await.
let opening: Span | undefined

/**
 * The server span of the request that runs now; of one that is not sampled only while it begins, since its context is
 * not kept. Undefined while tracing is off.
 */
export function serverSpan(): Span | undefined {
  return opening ?? trace.getActiveSpan()
}

/**
 * Runs a request in its server span, a child of the caller's if it sent a `traceparent`.
 *
 * OpenTelemetry's http instrumentation would do this as well, but it patches the listeners of every request and
 * response: 30 µs a request, sampled or not, where this takes a quarter of that (docs/tracing.md). If the operator has
 * turned it on, its span is taken.
 */
export function inServerSpan({ req, state }: Opened, run: () => Promise<void>): Promise<void> {
  const { method = 'GET', headers, url = '/' } = req
  if (!tracingIsOn() || isUntraced(url) || trace.getActiveSpan() !== undefined) {
    state.sampled = isSampled(context.active())
    // Where another program's tracing is on, its own instrumentation writes the context.
    if (state.sampled && tracingIsOn() && !contextIsWritten()) giveContext(state, context.active())
    return run()
  }
  const caller = hasContext(headers) ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, caller)
  const active = trace.setSpan(caller, span)
  if (!span.isRecording()) return runUnsampled(state, span, active, run)
  state.sampled = true
  own.add(span)
  span.setAttributes(requestAttributes(req))
  if (!contextIsWritten()) giveContext(state, active)
  return context.with(active, run)
}

/**
 * Nearly all requests: nothing below makes a span, so no context is carried through their promises and callbacks, which
 * took as long as everything else that tracing does for them. All that is needed of it is what goes upstream.
 */
function runUnsampled(state: Opened['state'], span: Span, active: Context, run: () => Promise<void>): Promise<void> {
  state.sampled = false
  giveContext(state, active)
  opening = span
  try {
    return run()
  } finally {
    opening = undefined
  }
}

/** Writes the context into what goes upstream, where nothing below does. */
function giveContext(state: Opened['state'], active: Context): void {
  state.traceHeaders = {}
  propagation.inject(active, state.traceHeaders)
}

let fields: readonly string[] | undefined

/** Whether one of the headers is there from which the propagators read; they have been chosen before the first request. */
function hasContext(headers: Headers): boolean {
  fields ??= readFields(propagation.fields())
  for (const name of fields) if (headers[name] !== undefined) return true
  return false
}

/** B3's propagators read both of its forms, and tell of the one that they write. */
function readFields(written: readonly string[]): readonly string[] {
  return written.some((name) => /b3/i.test(name)) ? [...written, 'b3', 'x-b3-traceid'] : written
}

/** Whether what runs now belongs to a request whose spans are kept. */
export function isSampled(active: Context): boolean {
  return trace.getSpan(active)?.isRecording() ?? false
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span */
function requestAttributes({ method, url = '/', headers, httpVersion, socket }: IncomingMessage) {
  return {
    [name.method.name]: method,
    [name.path.name]: url.split('?', 1)[0],
    [name.scheme.name]: 'http',
    ...hostAttributes(headers.host),
    [name.protocol.name]: httpVersion,
    [name.peer.name]: socket.remoteAddress,
    [name.userAgent.name]: headers['user-agent'],
  }
}

type HostAttributes = Readonly<Record<string, string | number | undefined>>

// Nearly all clients of a proxy call it by the same name.
let lastHost: readonly [host: string | undefined, attributes: HostAttributes] = [undefined, {}]

function hostAttributes(host: string | undefined): HostAttributes {
  if (lastHost[0] !== host) lastHost = [host, splitHost(host)]
  return lastHost[1]
}

function splitHost(host: string | undefined): HostAttributes {
  const asked = URL.parse(`http://${host}`)
  if (host === undefined || asked === null) return {}
  return { [name.address.name]: asked.hostname, [name.port.name]: asked.port === '' ? undefined : Number(asked.port) }
}

/** Only a trace that is kept is worth a link to it from a metric. */
export function exemplarOf(server: Span | undefined): Exemplar | undefined {
  if (!server?.isRecording()) return undefined
  const { traceId, spanId } = server.spanContext()
  return { trace_id: traceId, span_id: spanId }
}

/** Writes on the server span what the request has become, and ends it: the response has closed. */
export function endServerSpan({ facts, status, code }: EndedRequest, server: Span | undefined): void {
  if (!server?.isRecording()) return
  // Only a known route may be part of a span's name.
  if (facts.route !== 'other') {
    server.updateName(`${facts.method} ${facts.route}`)
    server.setAttribute(name.route.name, facts.route)
  }
  server.setAttributes({
    [name.status.name]: status,
    [name.requestId.name]: facts.requestId,
    [name.mode.name]: facts.mode,
    [name.client.name]: facts.client,
    [name.clientAddress.name]: facts.address,
    [name.model.name]: facts.model,
    [name.upstream.name]: facts.attempts.at(-1)?.upstream,
    [name.attempts.name]: facts.attempts.length,
    [name.code.name]: code,
  })
  if (!own.has(server)) return
  // A 4xx is the caller's mistake and no error of this span, as the conventions have it.
  if (status >= 500) {
    server.setAttribute(name.error.name, code ?? String(status))
    server.setStatus({ code: SpanStatusCode.ERROR })
  }
  server.end()
}
