/** How a field's value is written, the last three bits of its tag: https://protobuf.dev/programming-guides/encoding/#structure */
const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5

const TWO_TO_32 = 2 ** 32

/** The most bytes that a tag and a number take. */
const SCALAR = 16
/** Longer texts are left to Node, whose calls are dear and whose bytes are cheap. */
const SHORT = 128

/**
 * Writes one message of Protocol Buffers, field after field, in a single pass: a message inside of it is given one byte
 * for its length, and moved on when it turns out to need more.
 */
export class ProtobufWriter {
  private bytes: Buffer
  private at = 0

  /** @param expected bytes; more are found room for */
  constructor(expected: number) {
    // Not from Node's pool: who sends the bytes may keep them for long.
    this.bytes = Buffer.allocUnsafeSlow(expected)
  }

  /** What has been written; valid until more is. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }

  /** Begins a message within this one. Returns what `close` is to be given. */
  open(field: number): number {
    this.room(SCALAR)
    this.number((field << 3) | LENGTH)
    return ++this.at
  }

  close(start: number): void {
    const length = this.at - start
    if (length < 0x80) {
      this.bytes[start - 1] = length
      return
    }
    const extra = sizeOf(length) - 1
    this.room(extra)
    this.bytes.copyWithin(start + extra, start, this.at)
    this.at = start - 1
    this.number(length)
    this.at += length
  }

  /** A whole number from -2^63 up to 2^64. */
  varint(field: number, value: number): void {
    this.room(SCALAR)
    this.number((field << 3) | VARINT)
    if (value >= 0 && value < TWO_TO_32) this.number(value)
    else this.bigNumber(value)
  }

  double(field: number, value: number): void {
    this.room(SCALAR)
    this.number((field << 3) | FIXED64)
    this.at = this.bytes.writeDoubleLE(value, this.at)
  }

  fixed32(field: number, value: number): void {
    this.room(SCALAR)
    this.number((field << 3) | FIXED32)
    this.uint32(value)
  }

  /** A time as nanoseconds. They have more digits than a number keeps, so they are put together in halves. */
  nanoseconds(field: number, [seconds, nanoseconds]: readonly [number, number]): void {
    const upper = Math.floor(seconds / 0x10000) * 1e9
    const lower = (upper % 0x10000) * 0x10000 + (seconds % 0x10000) * 1e9 + nanoseconds
    this.room(SCALAR)
    this.number((field << 3) | FIXED64)
    this.uint32(lower)
    this.uint32(Math.floor(upper / 0x10000) + Math.floor(lower / TWO_TO_32))
  }

  text(field: number, text: string): void {
    this.room(SCALAR + 3 * text.length)
    this.number((field << 3) | LENGTH)
    if (text.length < SHORT && this.shortAscii(text)) return
    this.number(Buffer.byteLength(text))
    this.at += this.bytes.write(text, this.at)
  }

  binary(field: number, bytes: Uint8Array): void {
    this.room(SCALAR + bytes.length)
    this.number((field << 3) | LENGTH)
    this.number(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Bytes that are known by their hexadecimal digits, as the ids of traces are. */
  hex(field: number, digits: string): void {
    this.room(SCALAR + digits.length)
    this.number((field << 3) | LENGTH)
    this.number(digits.length >> 1)
    for (let index = 0; index < digits.length; index += 2) {
      this.bytes[this.at++] = (digitOf(digits.charCodeAt(index)) << 4) | digitOf(digits.charCodeAt(index + 1))
    }
  }

  /** Fields that were written before, by another writer. */
  ready(fields: Uint8Array): void {
    this.room(fields.length)
    // To copy so few bytes one by one is cheaper than the call that copies many.
    for (let index = 0; index < fields.length; index++) this.bytes[this.at++] = fields[index]!
  }

  /** Writes a text's length and bytes, or nothing when it is not ASCII. */
  private shortAscii(text: string): boolean {
    const { bytes } = this
    let to = this.at
    bytes[to++] = text.length
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return false
      bytes[to++] = code
    }
    this.at = to
    return true
  }

  /** The lowest 32 bits of a number, the last byte first. */
  private uint32(value: number): void {
    const { bytes, at } = this
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
    this.at = at + 4
  }

  /** A varint below 2^32. */
  private number(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.at++] = rest
  }

  private bigNumber(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    for (; rest > 0x7fn; rest >>= 7n) this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80
    this.bytes[this.at++] = Number(rest)
  }

  private room(more: number): void {
    if (this.at + more <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.at + more))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }
}

/** Bytes that a varint takes. */
function sizeOf(value: number): number {
  let size = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++
  return size
}

/** The value of a hexadecimal digit by its character code. */
function digitOf(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57
}
