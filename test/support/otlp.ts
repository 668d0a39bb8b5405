import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import nock from 'nock'
import { bytesOf, integerOf, type Message, messagesOf, readMessage, textOf } from './protobuf.ts'

export type AttributeValue = string | boolean | number | AttributeValue[]

/** A span as the collector got it. */
export interface SinkSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  /** Nanoseconds since the epoch. */
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly events: readonly { name: string; time: bigint; attributes: Readonly<Record<string, AttributeValue>> }[]
  readonly status: 'unset' | 'ok' | 'error'
  readonly statusMessage: string
  readonly scope: string
  readonly resource: Readonly<Record<string, AttributeValue>>
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const
const statuses = ['unset', 'ok', 'error'] as const

/** Reads an ExportTraceServiceRequest: https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto. */
export function readExport(body: Buffer): SinkSpan[] {
  return messagesOf(readMessage(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messagesOf(resourceSpans, 1)[0] ?? new Map(), 1)
    return messagesOf(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = textOf(messagesOf(scopeSpans, 1)[0] ?? new Map(), 1)
      return messagesOf(scopeSpans, 2).map((span) => readSpan(span, scope, resource))
    })
  })
}

function readSpan(span: Message, scope: string, resource: SinkSpan['resource']): SinkSpan {
  const status = messagesOf(span, 15)[0] ?? new Map()
  return {
    traceId: bytesOf(span, 1).toString('hex'),
    spanId: bytesOf(span, 2).toString('hex'),
    traceState: textOf(span, 3),
    parentSpanId: bytesOf(span, 4).toString('hex'),
    name: textOf(span, 5),
    kind: kinds[Number(integerOf(span, 6))] ?? 'internal',
    start: integerOf(span, 7),
    end: integerOf(span, 8),
    attributes: attributesOf(span, 9),
    events: messagesOf(span, 11).map((event) => ({
      name: textOf(event, 2),
      time: integerOf(event, 1),
      attributes: attributesOf(event, 3),
    })),
    status: statuses[Number(integerOf(status, 3))] ?? 'unset',
    statusMessage: textOf(status, 2),
    scope,
    resource,
  }
}

function attributesOf(message: Message, number: number): Record<string, AttributeValue> {
  return Object.fromEntries(
    messagesOf(message, number).map((pair) => [textOf(pair, 1), anyValueOf(messagesOf(pair, 2)[0] ?? new Map())]),
  )
}

function anyValueOf(value: Message): AttributeValue {
  if (value.has(2)) return integerOf(value, 2) === 1n
  if (value.has(3)) return Number(BigInt.asIntN(64, integerOf(value, 3)))
  // A double comes as the eight bytes of a fixed64.
  if (value.has(4)) return new Float64Array(BigUint64Array.of(integerOf(value, 4)).buffer)[0] ?? Number.NaN
  const list = messagesOf(value, 5)[0]
  return list === undefined ? textOf(value, 1) : messagesOf(list, 1).map(anyValueOf)
}

/** Plays the collector within this process: every export to `origin` is caught by nock. */
export function interceptExports(origin: string, status = 200): { spans: SinkSpan[]; stop: () => void } {
  const spans: SinkSpan[] = []
  const scope = nock(origin)
    .persist()
    .post('/v1/traces')
    .reply(status, async (request: Request) => {
      spans.push(...readExport(Buffer.from(await request.arrayBuffer())))
      return ''
    })
  return { spans, stop: () => scope.persist(false) }
}

/** A collector of its own, for programs under test that run as processes. */
export class OtlpSink {
  readonly spans: SinkSpan[] = []
  /** What exports are answered with. */
  status = 200
  /** Exports of spans that arrived, whatever they were answered. */
  requests = 0
  /** Exports of metrics and of logs, as they came. */
  readonly others: { readonly path: string; readonly body: Buffer }[] = []
  /** Answers instead of this sink, when it is set. */
  answer: ((response: ServerResponse) => void) | undefined
  private readonly server: Server
  private waiting: (() => void)[] = []

  private constructor(server: Server) {
    this.server = server
  }

  static async start(): Promise<OtlpSink> {
    const server = createServer()
    const sink = new OtlpSink(server)
    server.on('request', (request, response) => sink.take(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return sink
  }

  /** The value for OTEL_EXPORTER_OTLP_ENDPOINT. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Resolves when what has arrived satisfies `enough`; a test's own time-out ends the wait otherwise. */
  async until(enough: (spans: readonly SinkSpan[]) => boolean): Promise<readonly SinkSpan[]> {
    while (!enough(this.spans)) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return this.spans
  }

  /** Resolves when the exports that have come satisfy `enough`. */
  async untilExports(enough: (others: OtlpSink['others'], requests: number) => boolean): Promise<void> {
    while (!enough(this.others, this.requests)) await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray())
    const path = request.url ?? ''
    if (path === '/v1/traces') this.requests += 1
    else this.others.push({ path, body })
    if (this.answer) {
      this.answer(response)
    } else {
      if (this.status === 200 && path === '/v1/traces') this.spans.push(...readExport(body))
      response.writeHead(this.status, { 'content-type': 'application/x-protobuf' }).end()
    }
    for (const wake of this.waiting.splice(0)) wake()
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    this.server.close()
    await once(this.server, 'close')
  }
}

/** One trace as indented text, children in the order of their start: kind, name, and what `show` says of a span. */
export function spanTree(spans: readonly SinkSpan[], show: (span: SinkSpan) => string = describe): string {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const lines: string[] = []
  const walk = (parents: readonly SinkSpan[], depth: number) => {
    for (const span of [...parents].sort((a, b) => Number(a.start - b.start))) {
      lines.push(`${'  '.repeat(depth)}${show(span)}`)
      walk(
        spans.filter(({ parentSpanId }) => parentSpanId === span.spanId),
        depth + 1,
      )
    }
  }
  // Roots are those whose parent is elsewhere: none, or the caller's.
  walk(
    spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)),
    0,
  )
  return lines.join('\n')
}

function describe({ kind, name, status, attributes, events }: SinkSpan): string {
  const failure = status === 'error' ? ` !${attributes['error.type'] ?? ''}` : ''
  const happened = events.map(({ name }) => ` +${name}`).join('')
  return `${kind} ${name}${failure}${happened}`
}
