/** What a body is: an event stream, a JSON object or array, or neither. */
export type BodyKind = 'sse' | 'json' | 'other'

const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const OPEN_BRACE = 0x7b

const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const FIELDS = ['data', 'event', 'id', 'retry'].map((name) => Buffer.from(name))
/** llama.cpp wrote its errors so; what is no object behind it may be a page's words. */
const ERRORS = ['error:{', 'error: {'].map((text) => Buffer.from(text))

/**
 * Tells by a body's first bytes what it is, since content types lie in both directions: SSE comes as
 * application/json or text/plain, and JSON as text/event-stream.
 *
 * A byte order mark, white space and blank lines may stand before either; upstreams send them to keep a connection open
 * while they work. So these decide nothing, and whoever waits for a decision may throw them away.
 *
 * @returns undefined while more bytes are needed: then, behind the white space, there are seven at most
 */
export function sniff(firstBytes: Buffer): BodyKind | undefined {
  const start = skipWhiteSpace(firstBytes, afterBom(firstBytes))
  const first = firstBytes[start]
  if (first === undefined) return undefined
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return 'json'
  if (first === COLON) return 'sse'
  const rest = firstBytes.subarray(start)
  const field = FIELDS.find((name) => agree(rest, name))
  if (field) return afterField(rest[field.length])
  const error = ERRORS.find((text) => agree(rest, text))
  if (error) return rest.length < error.length ? undefined : 'sse'
  // Not yet a whole mark, for instance when bytes come one at a time.
  return start === 0 && agree(rest, BOM) ? undefined : 'other'
}

/** A field's name needs a colon or a line end behind it: "database is down" is an error message. */
function afterField(byte: number | undefined): BodyKind | undefined {
  if (byte === undefined) return undefined
  return byte === COLON || byte === LF || byte === CR ? 'sse' : 'other'
}

function afterBom(bytes: Buffer): number {
  return bytes.length >= BOM.length && agree(bytes, BOM) ? BOM.length : 0
}

function skipWhiteSpace(bytes: Buffer, from: number): number {
  let at = from
  for (; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte !== SPACE && byte !== TAB && byte !== LF && byte !== CR) break
  }
  return at
}

/** Whether the bytes begin with the pattern, as far as there are bytes. */
function agree(bytes: Buffer, pattern: Buffer): boolean {
  // For so few bytes a call of `compare` costs more than looking at each.
  for (let at = 0; at < pattern.length && at < bytes.length; at++) if (bytes[at] !== pattern[at]) return false
  return true
}
