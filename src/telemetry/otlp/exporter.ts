import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base'
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
  type OTLPExporterNodeConfigBase,
} from '@opentelemetry/otlp-exporter-base/node-http'
import { type ISerializer, ProtobufTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { serializeSpans } from './spans.ts'

type Answer = ReturnType<typeof ProtobufTraceSerializer.deserializeResponse>

const serializer: ISerializer<ReadableSpan[], Answer> = {
  serializeRequest: serializeSpans,
  deserializeResponse: (bytes) => ProtobufTraceSerializer.deserializeResponse(bytes),
}

/**
 * OpenTelemetry's exporter of spans over HTTP with protobuf, put together from its parts as its own `OTLPTraceExporter`
 * is, but for the serializer. What `options` leave open is read from the `OTEL_EXPORTER_OTLP_*` variables.
 */
export function spanExporter(options: OTLPExporterNodeConfigBase = {}): SpanExporter {
  const headers = { 'Content-Type': 'application/x-protobuf' }
  const http = convertLegacyHttpOptions(options, 'TRACES', 'v1/traces', headers)
  return new OTLPExporterBase(
    createOtlpHttpExportDelegate(http, serializer, 'otlp_http_span_exporter', TraceExporterMetricsHelper, undefined),
  )
}
