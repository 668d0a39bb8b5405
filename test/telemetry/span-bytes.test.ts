import assert from 'node:assert/strict'
import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api'
import { TraceState } from '@opentelemetry/core'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { serializeSpans } from '../../src/telemetry/otlp/spans.ts'
import { readExport } from '../support/otlp.ts'

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })

// Around each length at which a text or its length is written in another way, in bytes of one to four a character.
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .tuple(
      fc.constantFrom('a', 'ü', '…', '🦊', '\ud800'),
      fc.constantFrom(0, 1, 42, 63, 64, 127, 128, 129, 5000, 20_000),
    )
    .map(([character, count]) => character.repeat(count)),
)
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(
    -0,
    127,
    128,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    2 ** 62,
    2 ** 63,
    -1,
    -(2 ** 31),
    -(2 ** 63),
    1e300,
  ),
)
const scalar = fc.oneof(text, number, fc.boolean())
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.constantFrom(undefined, null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4 }),
  ),
})).any
const attributes = fc.dictionary(text, value, { maxKeys: 8 }) as fc.Arbitrary<Attributes>

const time = fc.tuple(
  fc.integer({ min: 0, max: 2 ** 34 }),
  fc.integer({ min: 0, max: 1e9 - 1 }),
) as fc.Arbitrary<HrTime>
const count = fc.nat(300)
const spanContext: fc.Arbitrary<SpanContext> = fc.record(
  {
    traceId: hex(32),
    spanId: hex(16),
    traceFlags: fc.nat(255),
    traceState: fc.constantFrom(new TraceState('vendor=x,other=y'), new TraceState('')),
    isRemote: fc.boolean(),
  },
  { requiredKeys: ['traceId', 'spanId', 'traceFlags'] },
)

const resources: Resource[] = [
  resourceFromAttributes({}),
  resourceFromAttributes({ 'service.name': 'openai-proxy', 'process.pid': 17 }, { schemaUrl: 'urn:schema' }),
]
const scopes = [
  { name: 'plain' },
  { name: 'full', version: '1.2.3', schemaUrl: 'urn:scope' },
  { name: '', version: '' },
]

const span: fc.Arbitrary<ReadableSpan> = fc.record({
  name: text,
  kind: fc.nat(4),
  spanContext: spanContext.map((context) => () => context),
  parentSpanContext: fc.option(spanContext, { nil: undefined }) as fc.Arbitrary<SpanContext>,
  startTime: time,
  endTime: time,
  status: fc.record({ code: fc.nat(2), message: text }, { requiredKeys: ['code'] }),
  attributes,
  links: fc.array(
    fc.record({ context: spanContext, attributes, droppedAttributesCount: count }, { requiredKeys: ['context'] }),
    { maxLength: 2 },
  ),
  events: fc.array(
    fc.record({ time, name: text, attributes, droppedAttributesCount: count }, { requiredKeys: ['time', 'name'] }),
    { maxLength: 3 },
  ),
  duration: time,
  ended: fc.constant(true),
  resource: fc.constantFrom(...resources),
  instrumentationScope: fc.constantFrom(...scopes),
  droppedAttributesCount: count,
  droppedEventsCount: count,
  droppedLinksCount: count,
})

describe('spans as bytes', () => {
  it("are those that OpenTelemetry's own serializer would send", () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 6 }), (spans) => {
        const theirs = ProtobufTraceSerializer.serializeRequest(spans)
        assert.deepEqual(Buffer.from(serializeSpans(spans)), Buffer.from(theirs ?? []))
      }),
      { numRuns: 500 },
    )
  })

  it('tell a time to the nanosecond', () => {
    fc.assert(
      fc.property(span, time, (any, [seconds, nanoseconds]) => {
        const [read] = readExport(Buffer.from(serializeSpans([{ ...any, startTime: [seconds, nanoseconds] }])))
        assert.equal(read?.start, BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds))
      }),
    )
  })

  it('are not changed by the next batch, which may be sent before them', () => {
    const [one, other] = fc.sample(fc.array(span, { minLength: 1, maxLength: 6 }), 2)
    assert.ok(one && other)
    const bytes = serializeSpans(one)
    const before = Buffer.from(bytes)
    serializeSpans(other)
    assert.deepEqual(Buffer.from(bytes), before)
  })
})
