/**
 * Steps over valid JSON text without building values. Positions are UTF-16 units. Strings are jumped by `indexOf`,
 * which is a memory search: a prompt with a 20 MB image costs a millisecond or two. On text that is not JSON the
 * functions still end, somewhere.
 */

export const QUOTE = 0x22
const COMMA = 0x2c
export const COLON = 0x3a
const BACKSLASH = 0x5c
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const LETTER_E = 0x65
const ZERO = 0x30
const NINE = 0x39

/** The position after white space. */
export function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/** The position after the string whose opening quote is at `from`; the text's end if it never closes. */
export function skipString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slash = quote - 1
    while (text.charCodeAt(slash) === BACKSLASH) slash--
    // An odd run of backslashes escapes the quote. Runs before two quotes never overlap, so this stays linear.
    if ((quote - slash) % 2 === 1) return quote + 1
  }
  return text.length
}

/** Whether a number can begin with this code. */
export function startsNumber(code: number): boolean {
  return isDigit(code) || code === MINUS
}

export function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** The position after the number that begins at `from`. */
export function skipNumber(text: string, from: number): number {
  let at = from + 1
  while (continuesNumber(text.charCodeAt(at))) at++
  return at
}

function continuesNumber(code: number): boolean {
  return isDigit(code) || code === POINT || code === MINUS || code === PLUS || (code | 0x20) === LETTER_E
}

/** The position after the number, literal or other run of plain characters at `from`. */
export function skipPlain(text: string, from: number): number {
  let at = from
  while (at < text.length && !endsPlain(text.charCodeAt(at))) at++
  return at
}

function endsPlain(code: number): boolean {
  return code === COMMA || closes(code) || isSpace(code) || code === COLON || code === QUOTE || opens(code)
}

// A bracket and a brace differ in one bit, 0x20.
function opens(code: number): boolean {
  return (code | 0x20) === 0x7b
}

function closes(code: number): boolean {
  return (code | 0x20) === 0x7d
}

/** The position after the value that begins at `from`. */
export function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from)
  if (first === QUOTE) return skipString(text, from)
  return opens(first) ? skipNested(text, from) : skipPlain(text, from)
}

function skipNested(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = skipString(text, at)
      continue
    }
    if (opens(code)) depth++
    else if (closes(code) && --depth === 0) return at + 1
    at++
  }
  return text.length
}
