/**
 * Byte text: one character a byte (ISO 8859-1), as a body is before its UTF-8 has been read. Cutting and comparing it
 * costs a fraction of what text with wide characters costs, no character can be cut in two, and most events of a
 * stream are told apart without ever being decoded.
 */
export function bytesOf(chunk: Buffer): string {
  return chunk.toString('latin1')
}

const beyondAscii = /[\x80-\uffff]/

/** Whether a byte text is its own decoding. */
export function isAscii(bytes: string): boolean {
  return !beyondAscii.test(bytes)
}

/** The text that a byte text encodes; U+FFFD for what is no UTF-8. */
export function decode(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString()
}

/** Longer texts are decoded by Node, whose call costs more than decoding so few bytes. */
const FEW = 48

/**
 * The text that a few bytes encode, in half of the time; undefined for many bytes, and for any that a stricter reader
 * should look at: what is no UTF-8, and what does not stand for itself in JSON (quotes, backslashes, controls).
 * https://www.unicode.org/versions/latest/, table 3-7 has the ranges.
 */
export function plainText(bytes: string): string | undefined {
  if (bytes.length > FEW) return undefined
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.charCodeAt(at)
    const length = lengthOf(first)
    const code = length === 1 ? first : codeOf(bytes, at, first, length)
    if (code < 0) return undefined
    text += code < 0x10000 ? String.fromCharCode(code) : String.fromCodePoint(code)
    at += length
  }
  return text
}

/** How many bytes the character has that begins so; 0 for what begins none, or none that stands for itself. */
function lengthOf(first: number): number {
  if (first < 0x80) return first < 0x20 || first === 0x22 || first === 0x5c ? 0 : 1
  if (first < 0xc2) return 0
  if (first < 0xe0) return 2
  if (first < 0xf0) return 3
  return first < 0xf5 ? 4 : 0
}

/** -1 when these bytes are no character: cut short, spelled too long, or half of a pair. */
function codeOf(bytes: string, at: number, first: number, length: number): number {
  if (length === 0) return -1
  let code = first & (0x7f >> length)
  for (let next = at + 1; next < at + length; next++) {
    const byte = bytes.charCodeAt(next)
    if ((byte & 0xc0) !== 0x80) return -1
    code = (code << 6) | (byte & 0x3f)
  }
  const isLong = (length === 3 && code < 0x800) || (length === 4 && (code < 0x10000 || code > 0x10ffff))
  return isLong || (code >= 0xd800 && code <= 0xdfff) ? -1 : code
}

const BOM = '\xef\xbb\xbf'

/** Without the byte order mark that a stream may begin with (https://encoding.spec.whatwg.org/#utf-8-decode). */
export function withoutMark(bytes: string): string {
  return bytes.startsWith(BOM) ? bytes.slice(BOM.length) : bytes
}
