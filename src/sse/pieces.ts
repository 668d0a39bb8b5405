/** How many pieces may lie loose before they become one string. */
const MAX_LOOSE = 256

/**
 * Text that grows piece by piece and is wanted once, as a whole, at the end.
 * `+=` would do for short texts, but it builds a tree of 32 bytes for each piece, so that an upstream that sends single
 * bytes would make this process hold many times what it sent. Joining now and then also lets go of the chunks that
 * the pieces were cut from. Each character is copied twice at most, so the work is linear.
 */
export class Pieces {
  private readonly separator: string
  /** Kept apart, because one piece is the usual case and then no array is needed. */
  private first = ''
  private loose: string[] = []
  private joined: string[] = []
  /** How many pieces came since the last `take`. */
  count = 0
  /** UTF-16 units that `take` would return. */
  length = 0

  constructor(separator: string) {
    this.separator = separator
  }

  add(piece: string): void {
    this.count++
    if (this.count === 1) {
      this.first = piece
      this.length = piece.length
      return
    }
    this.length += this.separator.length + piece.length
    if (this.loose.push(piece) < MAX_LOOSE) return
    this.joined.push(this.loose.join(this.separator))
    this.loose = []
  }

  /** Returns the whole text and starts anew. */
  take(): string {
    const text = this.count > 1 ? this.joinAll() : this.first
    this.first = ''
    this.count = 0
    this.length = 0
    return text
  }

  private joinAll(): string {
    const text = [this.first, ...this.joined, ...this.loose].join(this.separator)
    this.loose = []
    this.joined = []
    return text
  }
}
