const NOTHING = Buffer.alloc(0)

/**
 * Turns UTF-8 bytes into text, chunk by chunk. A character that a chunk's end cuts comes with the chunk that completes
 * it; bytes that are no UTF-8 become U+FFFD as https://encoding.spec.whatwg.org/#utf-8-decoder says, however they are
 * cut. A byte order mark is kept: the parser knows where one may stand.
 *
 * node:string_decoder does the same, but takes ten times as long for text that is not all ASCII (see bench/micro/sse.ts).
 */
export class Utf8Decoder {
  /** The first bytes of a character whose rest has not come yet, three at most. */
  private held = NOTHING

  write(bytes: Buffer): string {
    if (bytes.length === 0) return ''
    const last = bytes[bytes.length - 1] as number
    // An event ends with a line end, so nearly every chunk does, and then no character can be cut.
    if (last < 0x80 && this.held === NOTHING) return bytes.toString()
    const all = this.held === NOTHING ? bytes : Buffer.concat([this.held, bytes])
    const whole = all.length - unfinishedLength(all)
    // Copied, because a view of three bytes would keep the whole chunk in memory.
    this.held = whole === all.length ? NOTHING : Buffer.from(all.subarray(whole))
    return all.toString('utf8', 0, whole)
  }

  /** What is left of a character that the stream's end cut, as U+FFFD; '' when it ended well. */
  end(): string {
    const rest = this.held.toString()
    this.held = NOTHING
    return rest
  }
}

/** How many of the last bytes are the beginning of a character whose end is missing. */
function unfinishedLength(bytes: Buffer): number {
  const furthest = Math.min(3, bytes.length)
  for (let back = 1; back <= furthest; back++) {
    const byte = bytes[bytes.length - back] as number
    const continuation = byte >= 0x80 && byte < 0xc0
    if (!continuation) return back < lengthOf(byte) ? back : 0
  }
  return 0
}

/** Bytes of the character that begins with this one; 1 where it begins none. */
function lengthOf(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}
