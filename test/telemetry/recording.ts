import { SpanStatusCode } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  SamplingDecision,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace'
import { setTracing } from '../../src/telemetry/tracing.ts'
import type { SinkSpan } from '../support/otlp.ts'

const exporter = new InMemorySpanExporter()
let sampled = true
let started = false

/**
 * Records spans within the test process. OpenTelemetry's tracers stay with the first SDK that they meet, so there is
 * one for all suites; between them it gets no requests, since tracing is set off.
 */
export function recordSpans(): void {
  if (!started) {
    const decide = {
      shouldSample: () => ({ decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }),
    }
    new NodeSDK({
      autoDetectResources: false,
      instrumentations: [],
      metricReaders: [],
      logRecordProcessors: [],
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
      sampler: new ParentBasedSampler({ root: decide }),
    }).start()
    started = true
  }
  exporter.reset()
  sampled = true
  setTracing({ writesContext: true, shutdown: async () => undefined, dropped: () => [] })
}

/** From now on new traces are made, but not kept. */
export function sampleNothing(): void {
  sampled = false
}

export function stopRecording(): void {
  setTracing(undefined)
  exporter.reset()
}

/** The spans that have ended, as the OTLP sink would show them. */
export function recorded(): SinkSpan[] {
  return exporter.getFinishedSpans().map(asSinkSpan)
}

const kinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const

function asSinkSpan(span: ReadableSpan): SinkSpan {
  const { traceId, spanId, traceState } = span.spanContext()
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    traceState: traceState?.serialize() ?? '',
    name: span.name,
    kind: kinds[span.kind] ?? 'internal',
    start: nanoseconds(span.startTime),
    end: nanoseconds(span.endTime),
    attributes: plain(span.attributes),
    events: span.events.map(({ name, time, attributes }) => ({
      name,
      time: nanoseconds(time),
      attributes: plain(attributes ?? {}),
    })),
    status: span.status.code === SpanStatusCode.ERROR ? 'error' : 'unset',
    statusMessage: span.status.message ?? '',
    scope: span.instrumentationScope.name,
    resource: plain(span.resource.attributes),
  }
}

function plain(attributes: object): SinkSpan['attributes'] {
  return JSON.parse(JSON.stringify(attributes))
}

function nanoseconds([seconds, nanos]: readonly [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(nanos))
}
