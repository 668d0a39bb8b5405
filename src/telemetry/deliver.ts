import { TraceFlags } from '@opentelemetry/api'
import { ExportResultCode } from '@opentelemetry/core'
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { scrub } from './scrub.ts'

export interface DeliveryOptions {
  readonly exporter: SpanExporter
  /** Finished spans that may wait for the exporter; more are dropped. */
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
  /** Told of every loss; may be called thousands of times a second. */
  readonly warn: (message: string) => void
}

export interface Delivery {
  readonly processor: SpanProcessor
  /** Spans lost so far, by reason. */
  dropped(): Iterable<readonly [total: number, reason: 'queue_full' | 'export_failed']>
}

/**
 * OpenTelemetry's batch processor with what it lacks: losses are counted, and spans leave scrubbed.
 * A collector that is down, slow or refusing costs spans and never a request or unbounded memory.
 */
export function deliverSpans({ exporter, warn, ...batching }: DeliveryOptions): Delivery {
  let waiting = 0
  let queueFull = 0
  let exportFailed = 0
  const counted: SpanExporter = {
    export(spans, done) {
      waiting -= spans.length
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS) {
          exportFailed += spans.length
          warn('Traces cannot be delivered: the collector is down, slow or refuses them. Requests are not affected.')
        }
        done(result)
      })
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
  // One object: version 3 of the SDK accepts a positional exporter silently and exports nothing.
  const batch = new BatchSpanProcessor({ exporter: counted, ...batching })
  return {
    processor: {
      onStart: () => undefined,
      onEnd(span) {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
        // The batch processor would drop it as well, but tell nobody until it has room again.
        if (waiting >= batching.maxQueueSize) {
          queueFull += 1
          warn('Traces are dropped: more spans end than the collector takes. Requests are not affected.')
          return
        }
        waiting += 1
        scrub(span)
        batch.onEnd(span)
      },
      forceFlush: () => batch.forceFlush(),
      async shutdown() {
        try {
          await batch.shutdown()
        } catch (error) {
          // It gives up with the first batch that fails; the others are on their way, and would end with the process.
          await exporter.shutdown()
          throw error
        }
      },
    },
    dropped: () => [
      [queueFull, 'queue_full'],
      [exportFailed, 'export_failed'],
    ],
  }
}
