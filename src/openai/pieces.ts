/** About as much text as a model streams in a burst: small enough to look like a stream, large enough to be cheap. */
const PIECE_LENGTH = 128

/**
 * Cuts a text into pieces for deltas, never within a surrogate pair: half a character is not valid UTF-8, and the
 * client would read U+FFFD twice. An empty text has no pieces.
 */
export function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let from = 0
  while (from < text.length) {
    let to = Math.min(from + PIECE_LENGTH, text.length)
    if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) to++
    pieces.push(text.slice(from, to))
    from = to
  }
  return pieces
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
