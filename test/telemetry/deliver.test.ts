import assert from 'node:assert/strict'
import { type Span, trace } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import { AlwaysOffSampler, type ReadableSpan, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { type Delivery, deliverSpans } from '../../src/telemetry/deliver.ts'
import { spanExporter } from '../../src/telemetry/otlp/exporter.ts'
import { setOwnKeys } from '../../src/telemetry/redact.ts'
import { interceptExports } from '../support/otlp.ts'

type Done = Parameters<SpanExporter['export']>[1]

/** An exporter that the test answers for: it holds every batch until told. */
class HeldExporter implements SpanExporter {
  readonly batches: { spans: ReadableSpan[]; done: Done }[] = []
  export(spans: ReadableSpan[], done: Done): void {
    this.batches.push({ spans, done })
  }
  answer(code: ExportResultCode): void {
    for (const { done } of this.batches.splice(0)) done({ code })
  }
  /** As OpenTelemetry's own does, it waits for what is under way. */
  async shutdown(): Promise<void> {
    while (this.batches.length > 0) await new Promise(setImmediate)
  }
}

describe('delivering spans', () => {
  let exporter: HeldExporter
  let warnings: string[]
  let delivery: Delivery
  let endSpan: (change?: (span: Span) => void) => void

  function deliver(to: SpanExporter, sampler?: AlwaysOffSampler): Delivery {
    warnings = []
    const made = deliverSpans({
      exporter: to,
      maxQueueSize: 8,
      maxExportBatchSize: 4,
      scheduledDelayMillis: 3_600_000,
      exportTimeoutMillis: 3_600_000,
      warn: (message) => warnings.push(message),
    })
    const provider = new TracerProvider({ spanProcessors: [made.processor], ...(sampler && { sampler }) })
    endSpan = (change) => {
      const span = provider.getTracer('test').startSpan('POST')
      change?.(span)
      span.end()
    }
    return made
  }

  beforeEach(() => {
    exporter = new HeldExporter()
    delivery = deliver(exporter)
  })

  // The processor waits for every answer, by a timer that would keep the test run alive.
  afterEach(async () => {
    while (exporter.batches.length > 0) {
      exporter.answer(ExportResultCode.SUCCESS)
      await new Promise(setImmediate)
    }
  })

  const dropped = () => Object.fromEntries(Array.from(delivery.dropped(), ([total, reason]) => [reason, total]))

  it('a collector that hangs costs what does not fit into the queue, and the loss is counted', () => {
    for (let index = 0; index < 100; index++) endSpan()
    const held = exporter.batches.reduce((sum, { spans }) => sum + spans.length, 0)
    assert.equal(held, 4, 'one batch is under way')
    assert.deepEqual(dropped(), { queue_full: 100 - 4 - 8, export_failed: 0 })
    assert.match(warnings[0] ?? '', /Traces are dropped/)
  })

  it('a collector that refuses costs the batch, which is counted, and the next is tried again', async () => {
    for (let index = 0; index < 4; index++) endSpan()
    exporter.answer(ExportResultCode.FAILED)
    assert.deepEqual(dropped(), { queue_full: 0, export_failed: 4 })
    assert.match(warnings[0] ?? '', /cannot be delivered/)
    for (let index = 0; index < 3; index++) endSpan()
    const flushed = delivery.processor.forceFlush()
    assert.equal(exporter.batches[0]?.spans.length, 3)
    exporter.answer(ExportResultCode.SUCCESS)
    await flushed
    assert.deepEqual(dropped(), { queue_full: 0, export_failed: 4 })
  })

  it('room is made again by what has gone out', async () => {
    for (let round = 0; round < 5; round++) {
      for (let index = 0; index < 4; index++) endSpan()
      exporter.answer(ExportResultCode.SUCCESS)
      // The next batch is begun after this turn.
      await new Promise(setImmediate)
    }
    assert.deepEqual(dropped(), { queue_full: 0, export_failed: 0 })
  })

  it('at the end, a batch that fails does not cut off those that are still under way', async () => {
    for (let index = 0; index < 12; index++) endSpan()
    let isOver = false
    const failed = assert.rejects(delivery.processor.shutdown()).then(() => {
      isOver = true
    })
    while (exporter.batches.length < 3) await new Promise(setImmediate)
    exporter.batches.pop()?.done({ code: ExportResultCode.FAILED })
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    assert.equal(isOver, false)
    exporter.answer(ExportResultCode.SUCCESS)
    await failed
    assert.deepEqual(dropped(), { queue_full: 0, export_failed: 4 })
  })

  it('spans that are not sampled are neither kept nor counted', () => {
    delivery = deliver(exporter, new AlwaysOffSampler())
    for (let index = 0; index < 100; index++) endSpan()
    assert.deepEqual([exporter.batches.length, dropped()], [0, { queue_full: 0, export_failed: 0 }])
  })

  it('what leaves has no query, no user, no key in its path, and of an exception only its type', () => {
    for (let index = 0; index < 4; index++) {
      endSpan((span) => {
        span.setAttributes({
          'url.full': 'https://user:word@api.example.com/v1/chat?api-key=abc#x',
          'url.query': '?api-key=abc',
          'url.path': '/v1/sk-abcdefghijklmnop',
        })
        span.recordException(Object.assign(new Error('the upstream said abc'), { code: 'ECONNRESET' }))
        span.setStatus({ code: 2, message: 'the upstream said abc' })
      })
    }
    const [span] = exporter.batches[0]?.spans ?? []
    assert.deepEqual(span?.attributes, { 'url.full': 'https://api.example.com/v1/chat', 'url.path': '/v1/[redacted]' })
    assert.deepEqual(span?.events[0]?.attributes, { 'exception.type': 'ECONNRESET' })
    assert.deepEqual(span?.status, { code: 2 })
  })

  it('what leaves has no key in a name or an attribute, whoever took it for something else', () => {
    setOwnKeys(['the proxy of the team'])
    for (let index = 0; index < 4; index++) {
      endSpan((span) => {
        span.updateName('chat sk-abcdefghijklmnop')
        span.setAttributes({
          model: 'sk-abcdefghijklmnop',
          agent: 'curl Bearer abcdefghijkl',
          id: 'the proxy of the team',
          n: 7,
        })
      })
    }
    setOwnKeys([])
    const [span] = exporter.batches[0]?.spans ?? []
    assert.equal(span?.name, 'chat [redacted]')
    assert.deepEqual(span?.attributes, { model: '[redacted]', agent: 'curl [redacted]', id: '[redacted]', n: 7 })
  })

  it('goes out as OTLP over HTTP in protobuf, and arrives as it was', async () => {
    const collector = interceptExports('http://collector.invalid:4318')
    delivery = deliver(spanExporter({ url: 'http://collector.invalid:4318/v1/traces' }))
    endSpan((span) =>
      span.setAttributes({ text: 'ü', whole: -3, broken: 0.5, yes: true, list: ['a', 'b'] }).addEvent('e', { n: 1 }),
    )
    await delivery.processor.shutdown()
    collector.stop()
    const [span, ...others] = collector.spans
    assert.deepEqual(others, [])
    assert.deepEqual(span?.attributes, { text: 'ü', whole: -3, broken: 0.5, yes: true, list: ['a', 'b'] })
    assert.deepEqual(
      [span?.name, span?.kind, span?.scope, span?.events[0]?.attributes],
      ['POST', 'internal', 'test', { n: 1 }],
    )
    assert.ok(trace.isSpanContextValid({ traceId: span?.traceId ?? '', spanId: span?.spanId ?? '', traceFlags: 1 }))
    assert.ok((span?.start ?? 0n) > 0n && (span?.end ?? 0n) >= (span?.start ?? 1n))
  })
})
