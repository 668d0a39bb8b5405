// JSON.parse says that a text is wrong, but where only for some faults, and then it quotes the text.

const QUOTE = 0x22
const BACKSLASH = 0x5c
const space = /[ \t\n\r]*/y
// All but the quote, the backslash and control characters.
const plain = /[ !#-[\]-\uffff]*/y
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/** What may come next; `first` forms also allow the closing bracket of an empty array or object. */
type Wanted = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'more'

/**
 * The offset, in UTF-16 code units, of the first character that keeps `text` from being one JSON value (RFC 8259);
 * its length when the text ends too early, undefined when it is JSON. Takes time in proportion to the text.
 */
export function faultOffset(text: string): number | undefined {
  const open: string[] = []
  let wanted: Wanted = 'value'
  for (let at = skip(space, text, 0); at < text.length; at = skip(space, text, at)) {
    if (wanted === 'more' && open.length === 0) return at
    const char = text[at]!
    const closes = wanted === 'more' || wanted.startsWith('first')
    if (closes && char === open.at(-1)) {
      open.pop()
      wanted = 'more'
      at++
    } else if (wanted === 'more' || wanted === 'colon') {
      if (char !== (wanted === 'colon' ? ':' : ',')) return at
      wanted = wanted === 'more' && open.at(-1) === '}' ? 'key' : 'value'
      at++
    } else if (wanted.endsWith('value') && (char === '[' || char === '{')) {
      open.push(char === '[' ? ']' : '}')
      wanted = char === '[' ? 'first value' : 'first key'
      at++
    } else {
      const end: number = char === '"' ? endOfString(text, at) : endOfScalar(text, at, wanted)
      if (end < 0) return ~end
      wanted = wanted.endsWith('key') ? 'colon' : 'more'
      at = end
    }
  }
  return wanted === 'more' && open.length === 0 ? undefined : text.length
}

/**
 * Whether `text` has brackets nested deeper than `limit`. For JSON the answer is exact; other texts get some answer.
 * Strings are passed over natively, so that a picture of megabytes costs next to nothing.
 */
export function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = closingQuote(text, at)
      if (at < 0) return false
    }
    // Both kinds of bracket, [ ] and { }, differ from each other in one bit only.
    else if ((code | 0x20) === 0x7b) {
      if (++depth > limit) return true
    } else if ((code | 0x20) === 0x7d) depth--
  }
  return false
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text.charCodeAt(before - 1) === BACKSLASH) before--
    // An even number of backslashes escapes itself, not the quote.
    if ((at - before) % 2 === 0) return at
  }
  return -1
}

/** The offset after the string that begins at `from`; the complement (`~`) of the fault's offset when it has one. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; ) {
    at = skip(plain, text, at)
    if (text.charCodeAt(at) === QUOTE) return at + 1
    const next = skip(escaped, text, at)
    if (next === at) return ~(text.charCodeAt(at) === BACKSLASH ? faultyEscape(text, at) : at)
    at = next
  }
}

function faultyEscape(text: string, at: number): number {
  if (text[at + 1] !== 'u') return at + 1
  return skip(/[0-9a-fA-F]*/y, text, at + 2)
}

function endOfScalar(text: string, at: number, wanted: Wanted): number {
  const end = wanted.endsWith('value') ? skip(scalar, text, at) : at
  return end === at ? ~at : end
}

/** The offset after what `pattern` matches at `at`; `at` itself when it does not match. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
