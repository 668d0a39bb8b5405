const LF = 0x0a
const CR = 0x0d

/** One for all: each idle stream would hold some of its own. */
const EMPTY = Buffer.alloc(0)

/**
 * Lets bytes of an event stream through whole events at a time. What is held back is searched only once but for its
 * seam with the next piece, so that one large event in small pieces does not make this quadratic.
 */
export class EventGate {
  private pieces: Buffer[] = []
  /** Bytes held back. */
  size = 0
  /** The last bytes held back; a blank line may lie across them and the next piece. */
  private seam: Buffer = EMPTY

  /** All bytes up to the end of the last whole event, or undefined while there is none. */
  push(piece: Buffer): Buffer | undefined {
    const end = endOfLastBlankLine(this.seam.length === 0 ? piece : Buffer.concat([this.seam, piece]))
    if (end === 0) {
      this.hold(piece)
      return undefined
    }
    const cut = end - this.seam.length
    if (this.pieces.length === 0 && cut === piece.length) return piece
    const whole = Buffer.concat([...this.pieces, piece.subarray(0, cut)])
    this.clear()
    if (cut < piece.length) this.hold(piece.subarray(cut))
    return whole
  }

  /** What is held back, which the end of the stream makes whole. */
  rest(): Buffer {
    const rest = Buffer.concat(this.pieces)
    this.clear()
    return rest
  }

  clear(): void {
    this.pieces = []
    this.size = 0
    this.seam = EMPTY
  }

  private hold(piece: Buffer): void {
    this.pieces.push(piece)
    this.size += piece.length
    this.seam = Buffer.concat([this.seam, piece.subarray(-3)]).subarray(-3)
  }
}

/**
 * Where the last blank line ends; 0 when there is none. A blank line is two line ends in a row, each LF, CRLF or CR
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
 */
function endOfLastBlankLine(bytes: Buffer): number {
  for (let at = bytes.length - 1; at > 0; at--) {
    const byte = bytes[at]
    const previous = bytes[at - 1]
    if (byte === LF && previous === LF) return at + 1
    if (byte === CR && (previous === LF || previous === CR)) return at + (bytes[at + 1] === LF ? 2 : 1)
  }
  return 0
}
