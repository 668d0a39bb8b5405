import { ProtobufWriter } from './protobuf.ts'

// The numbers are those of the fields: https://github.com/open-telemetry/opentelemetry-proto, common/v1/common.proto.

type Values = Readonly<Record<string, unknown>>

/** Instrumentations have a few dozen names for all their attributes. */
const mostNames = 1000
const nameFields = new Map<string, Uint8Array>()

/** Writes attributes, each as a KeyValue in the field `field`. */
export function writeAttributes(writer: ProtobufWriter, field: number, attributes: Values): void {
  for (const name of Object.keys(attributes)) writePair(writer, field, name, attributes[name])
}

function writePair(writer: ProtobufWriter, field: number, name: string, value: unknown): void {
  const pair = writer.open(field)
  writer.ready(nameField(name))
  const start = writer.open(2)
  writeValue(writer, value)
  writer.close(start)
  writer.close(pair)
}

/** The name as it begins every KeyValue of that name. */
function nameField(name: string): Uint8Array {
  const known = nameFields.get(name)
  if (known) return known
  const writer = new ProtobufWriter(64)
  writer.text(1, name)
  const fields = writer.finish()
  if (nameFields.size < mostNames) nameFields.set(name, fields)
  return fields
}

/** An AnyValue; one that it has no field for stays empty. */
function writeValue(writer: ProtobufWriter, value: unknown): void {
  if (typeof value === 'string') writer.text(1, value)
  else if (typeof value === 'boolean') writer.varint(2, value ? 1 : 0)
  else if (typeof value === 'number') writeNumber(writer, value)
  else if (value instanceof Uint8Array) writer.binary(7, value)
  else if (Array.isArray(value)) writeList(writer, value)
  else if (typeof value === 'object' && value !== null) writeMap(writer, value as Values)
}

function writeNumber(writer: ProtobufWriter, value: number): void {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) writer.varint(3, value)
  else writer.double(4, value)
}

function writeList(writer: ProtobufWriter, values: readonly unknown[]): void {
  const list = writer.open(5)
  for (const value of values) {
    const start = writer.open(1)
    writeValue(writer, value)
    writer.close(start)
  }
  writer.close(list)
}

function writeMap(writer: ProtobufWriter, values: Values): void {
  const map = writer.open(6)
  writeAttributes(writer, 1, values)
  writer.close(map)
}
