/**
 * What it costs to write the spans of a request as bytes, beside OpenTelemetry's own serializer:
 * `node bench/micro/spans.ts`. A batch as the exporter gets it; a request's spans carry what those of the proxy do.
 */
import { type Attributes, SpanKind, trace } from '@opentelemetry/api'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace'
import { callAttributes, factAttributes } from '../../src/telemetry/genai.ts'
import { serializeSpans } from '../../src/telemetry/otlp/spans.ts'
import { serverAttributes } from '../../src/telemetry/span-table.ts'
import { someFacts } from '../../test/telemetry/sample.ts'
import { compare, madeInAll } from './timing.ts'

const facts = someFacts()
const [attempt] = facts.attempts
if (attempt === undefined) throw new Error('the sample has no try')
const upstream = { name: 'near', provider: 'openai', address: 'upstream.internal', port: 443 }
const asked = callAttributes({ upstream, operation: 'chat', model: facts.model })
const text = Object.values(serverAttributes).map(({ name }, at) => [
  name,
  at % 4 === 0 ? at : `a value as long as ${name}`,
])
const kinds: readonly (readonly [name: string, kind: SpanKind, attributes: Attributes])[] = [
  ['POST /v1/chat/completions', SpanKind.SERVER, Object.fromEntries(text)],
  ['access', SpanKind.INTERNAL, {}],
  ['limit', SpanKind.INTERNAL, {}],
  ['validate', SpanKind.INTERNAL, {}],
  ['chat gpt-known', SpanKind.CLIENT, { ...asked, ...factAttributes(facts, attempt) }],
  ['POST', SpanKind.CLIENT, Object.fromEntries(text.slice(0, 12))],
  ['fold', SpanKind.INTERNAL, {}],
]

const batch: ReadableSpan[] = []
const provider = new TracerProvider({
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => void batch.push(span),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
  ],
})
trace.setGlobalTracerProvider(provider)
const tracer = trace.getTracer('bench')
// The exporter's batches hold 512.
for (let request = 0; request < 73; request++) {
  for (const [name, kind, attributes] of kinds) tracer.startSpan(name, { kind, attributes }).end()
}

const works = {
  ours: [(spans: ReadableSpan[]) => serializeSpans(spans).length, batch],
  "OpenTelemetry's": [(spans: ReadableSpan[]) => ProtobufTraceSerializer.serializeRequest(spans)?.length ?? 0, batch],
} as const
console.log('One span as bytes')
console.table({ [`a batch of ${batch.length}`]: await compare<ReadableSpan[]>(works, batch.length) })
console.log(`(${madeInAll()} bytes written)`)
