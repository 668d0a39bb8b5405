/** One field of a protobuf message: https://protobuf.dev/programming-guides/encoding/. */
interface Field {
  readonly number: number
  readonly value: bigint | Buffer
}

/** A message's fields by number; fields of the same number in their order. */
export type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>

/** Reads a message's fields, whatever they mean. Integers of every kind come as bigint, the rest as bytes. */
export function readMessage(bytes: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>()
  let at = 0
  while (at < bytes.length) {
    const [field, next] = readField(bytes, at)
    fields.set(field.number, [...(fields.get(field.number) ?? []), field.value])
    at = next
  }
  return fields
}

function readField(bytes: Buffer, at: number): [Field, number] {
  const [tag, start] = readVarint(bytes, at)
  const number = Number(tag >> 3n)
  switch (tag & 7n) {
    case 0n: {
      const [value, next] = readVarint(bytes, start)
      return [{ number, value }, next]
    }
    case 1n:
      return [{ number, value: bytes.readBigUInt64LE(start) }, start + 8]
    case 2n: {
      const [length, from] = readVarint(bytes, start)
      const to = from + Number(length)
      return [{ number, value: bytes.subarray(from, to) }, to]
    }
    case 5n:
      return [{ number, value: BigInt(bytes.readUInt32LE(start)) }, start + 4]
    default:
      throw new TypeError(`Not a protobuf message: wire type ${tag & 7n} at ${at}`)
  }
}

function readVarint(bytes: Buffer, start: number): [bigint, number] {
  let value = 0n
  let at = start
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at++]
    if (byte === undefined) throw new TypeError('A protobuf message ends within a number')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [value, at]
  }
}

export function bytesOf(message: Message, number: number): Buffer {
  const value = message.get(number)?.at(-1)
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
}

export function textOf(message: Message, number: number): string {
  return bytesOf(message, number).toString('utf8')
}

export function integerOf(message: Message, number: number): bigint {
  const value = message.get(number)?.at(-1)
  return typeof value === 'bigint' ? value : 0n
}

export function messagesOf(message: Message, number: number): Message[] {
  return (message.get(number) ?? []).filter((value) => Buffer.isBuffer(value)).map(readMessage)
}
