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

const BOM = '\xef\xbb\xbf'

/** Without the byte order mark that a stream may begin with (https://encoding.spec.whatwg.org/#utf-8-decode). */
export function withoutMark(bytes: string): string {
  return bytes.startsWith(BOM) ? bytes.slice(BOM.length) : bytes
}
