import { randomBytes } from 'node:crypto'
import { COLON, isDigit, QUOTE, skipNumber, skipSpace, skipString, startsNumber } from './scan.ts'

/** https://github.com/tc39/proposal-json-parse-with-source; in Node since 21, in TypeScript's library not yet. */
export interface RawJSON {
  readonly rawJSON: string
}

declare global {
  interface JSON {
    rawJSON(text: string): RawJSON
    isRawJSON(value: unknown): value is RawJSON
  }
}

/** Marks a number that waits in the parsed tree as a string. Made anew by every process: no text can contain it. */
const MARK = randomBytes(9).toString('base64')

/** A raw number takes far more memory than a plain one: an answer of millions of `1.0` must not exhaust it. */
const MAX_RAWS = 250_000

/**
 * Stands before or in every number that is spelled otherwise than JSON.stringify would, and in little else: a number
 * begins the text, or stands behind a colon, a comma, a bracket or white space. Where this finds nothing, the text is
 * spared the scan that tells a number from digits in a string, which takes twice as long.
 */
const mayBeOdd = /(?:^|[:,[\s])(?:-0|-?(?:\d{16}|\d+[.eE]))/

/** Integers of up to 15 digits survive a double whatever they are. */
const SAFE_DIGITS = 15

/**
 * Parses JSON as JSON.parse does, but keeps every number that JSON.stringify would write otherwise (20-digit
 * integers, `1.0`, `1e5`, `-0`) as a `JSON.rawJSON` object, so that it is written again as it came.
 *
 * Members named `index` are the exception: an integer there is a plain number however it is spelled, since the fold
 * counts with it. Text with more than 250 000 numbers to keep, which no answer has, keeps none of them.
 *
 * Text without such numbers, nearly all there is, costs one scan beside JSON.parse. JSON.parse with a reviver that
 * looks at the source was measured at five to eight times the cost, whether there is something to keep or not.
 *
 * @throws SyntaxError for text that is not JSON
 */
export function parseExact(text: string): unknown {
  if (!mayBeOdd.test(text)) return JSON.parse(text)
  let at = findOdd(text, 0)
  if (at < 0) return JSON.parse(text)
  const raws: RawJSON[] = []
  let marked = ''
  let copied = 0
  for (; at >= 0; at = findOdd(text, copied)) {
    if (raws.length === MAX_RAWS) return JSON.parse(text)
    const end = skipNumber(text, at)
    marked += `${text.slice(copied, at)}"${MARK}${raws.length}"`
    // Checks the number: JSON.parse will only see the string that stands for it.
    raws.push(JSON.rawJSON(text.slice(at, end)))
    copied = end
  }
  return unmark({ root: JSON.parse(marked + text.slice(copied)) }, raws).root
}

/** Whether the value is a number that kept its digits. */
export function isRaw(value: unknown): value is RawJSON {
  return JSON.isRawJSON(value)
}

/** The nearest double to a number, plain or raw; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return isRaw(value) ? Number(value.rawJSON) : undefined
}

/** Where the next number begins that JSON.stringify would spell differently; -1 if there is none. */
function findOdd(text: string, from: number): number {
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = skipString(text, at)
    } else if (startsNumber(code)) {
      const end = skipNumber(text, at)
      if (isOdd(text, at, end)) return at
      at = end
    } else {
      at++
    }
  }
  return -1
}

function isOdd(text: string, start: number, end: number): boolean {
  if (isShortInteger(text, start, end)) return false
  const number = text.slice(start, end)
  if (String(Number(number)) === number) return false
  // A number in a name's place would become a valid name by its quotes: JSON.parse shall see it as it is.
  return text.charCodeAt(skipSpace(text, end)) !== COLON
}

/** Settles nearly every number of a stream (`created`, `index`, token counts) without converting it. */
function isShortInteger(text: string, start: number, end: number): boolean {
  if (end - start > SAFE_DIGITS) return false
  for (let at = start; at < end; at++) if (!isDigit(text.charCodeAt(at))) return false
  return true
}

type Holder = Record<string, unknown> | unknown[]

/** Puts the raw numbers in the place of their marks, anywhere in `holder`, and returns it. */
function unmark<T extends Holder>(holder: T, raws: readonly RawJSON[]): T {
  // A stack of its own: JSON.parse accepts nesting that would overflow the call stack here.
  const stack: Holder[] = [holder]
  for (let parent = stack.pop(); parent; parent = stack.pop()) {
    if (Array.isArray(parent))
      for (let at = 0; at < parent.length; at++) parent[at] = restore('', parent[at], raws, stack)
    else for (const name of Object.keys(parent)) parent[name] = restore(name, parent[name], raws, stack)
  }
  return holder
}

function restore(name: string, value: unknown, raws: readonly RawJSON[], stack: Holder[]): unknown {
  if (typeof value === 'object' && value !== null) stack.push(value as Holder)
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value
  const raw = raws[Number(value.slice(MARK.length))]
  const number = numberOf(raw)
  return name === 'index' && Number.isSafeInteger(number) ? number : raw
}
