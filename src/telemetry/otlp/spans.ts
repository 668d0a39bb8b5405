import type { Link, SpanContext } from '@opentelemetry/api'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import { writeAttributes } from './attributes.ts'
import { ProtobufWriter } from './protobuf.ts'

// The numbers are those of the fields: https://github.com/open-telemetry/opentelemetry-proto, trace/v1/trace.proto.

/** In `flags`, above the eight of W3C: whether it is known where the parent is, and whether it is in another process. */
const HAS_IS_REMOTE = 0x100
const IS_REMOTE = 0x200

const smallestExport = 4096
// Batches are mostly alike.
let expected = smallestExport

type Scopes = Map<InstrumentationScope, ReadableSpan[]>

/**
 * Spans as an ExportTraceServiceRequest, to the byte what OpenTelemetry's own serializer makes of them. That one takes
 * two passes, and an eighth of all the time of a traced request (docs/decisions/0020-spans-as-bytes.md).
 */
export function serializeSpans(spans: readonly ReadableSpan[]): Uint8Array {
  const writer = new ProtobufWriter(expected)
  for (const [resource, scopes] of grouped(spans)) writeResourceSpans(writer, resource, scopes)
  const bytes = writer.finish()
  expected = Math.max(smallestExport, bytes.length + (bytes.length >> 3))
  return bytes
}

function grouped(spans: readonly ReadableSpan[]): Map<Resource, Scopes> {
  const resources = new Map<Resource, Scopes>()
  for (const span of spans) {
    const scopes = found(resources, span.resource, () => new Map())
    found(scopes, span.instrumentationScope, () => []).push(span)
  }
  return resources
}

function found<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function writeResourceSpans(writer: ProtobufWriter, resource: Resource, scopes: Scopes): void {
  const start = writer.open(1)
  const inner = writer.open(1)
  writeAttributes(writer, 1, resource.attributes)
  writer.varint(2, 0)
  writer.close(inner)
  for (const [scope, spans] of scopes) writeScopeSpans(writer, scope, spans)
  if (resource.schemaUrl) writer.text(3, resource.schemaUrl)
  writer.close(start)
}

function writeScopeSpans(writer: ProtobufWriter, scope: InstrumentationScope, spans: readonly ReadableSpan[]): void {
  const start = writer.open(2)
  const inner = writer.open(1)
  writer.text(1, scope.name)
  if (scope.version) writer.text(2, scope.version)
  writer.close(inner)
  for (const span of spans) writeSpan(writer, span)
  if (scope.schemaUrl) writer.text(3, scope.schemaUrl)
  writer.close(start)
}

function writeSpan(writer: ProtobufWriter, span: ReadableSpan): void {
  const { parentSpanContext: parent } = span
  const context = span.spanContext()
  const start = writer.open(2)
  writeIds(writer, context)
  if (parent?.spanId) writer.hex(4, parent.spanId)
  writer.text(5, span.name)
  writer.varint(6, span.kind + 1)
  writer.nanoseconds(7, span.startTime)
  writer.nanoseconds(8, span.endTime)
  writeAttributes(writer, 9, span.attributes)
  writer.varint(10, span.droppedAttributesCount)
  for (const event of span.events) writeEvent(writer, event)
  writer.varint(12, span.droppedEventsCount)
  for (const link of span.links) writeLink(writer, link)
  writer.varint(14, span.droppedLinksCount)
  writeStatus(writer, span.status)
  writer.fixed32(16, flagsOf(context.traceFlags, parent?.isRemote))
  writer.close(start)
}

function writeIds(writer: ProtobufWriter, { traceId, spanId, traceState }: SpanContext): void {
  writer.hex(1, traceId)
  writer.hex(2, spanId)
  const state = traceState?.serialize()
  if (state) writer.text(3, state)
}

function writeEvent(writer: ProtobufWriter, event: TimedEvent): void {
  const start = writer.open(11)
  writer.nanoseconds(1, event.time)
  writer.text(2, event.name)
  if (event.attributes) writeAttributes(writer, 3, event.attributes)
  writer.varint(4, event.droppedAttributesCount ?? 0)
  writer.close(start)
}

function writeLink(writer: ProtobufWriter, { context, attributes, droppedAttributesCount = 0 }: Link): void {
  const start = writer.open(13)
  writeIds(writer, context)
  if (attributes) writeAttributes(writer, 4, attributes)
  writer.varint(5, droppedAttributesCount)
  writer.fixed32(6, flagsOf(context.traceFlags, context.isRemote))
  writer.close(start)
}

function writeStatus(writer: ProtobufWriter, { message, code }: ReadableSpan['status']): void {
  const start = writer.open(15)
  if (message) writer.text(2, message)
  writer.varint(3, code)
  writer.close(start)
}

function flagsOf(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0)
}
