import { randomBytes } from 'node:crypto'
import { type JsonObject, own } from '../fold/record.ts'
import { isAscii } from '../sse/bytes.ts'
import { type Varying, varyingOf } from './varying.ts'

/** An event cut at the places where consecutive events differ. */
export interface Template {
  /** All before the text. */
  readonly head: string
  /** All after it, up to the padding, or to the end where there is no padding. */
  readonly middle: string
  /** All after the padding; undefined where the events carry none. */
  readonly tail: string | undefined
  readonly varying: Varying
}

/**
 * Stands for a piece of text in the probe; JSON needs no escape for any of its characters. Made anew by every process: an
 * event whose own text was the mark would prove a cut in the wrong place.
 */
const MARK = randomBytes(9).toString('base64')

/** How many look-alikes of the varying string's name are tried before it is given up. */
const MAX_TRIES = 3

/** Anything but the characters that stand for themselves in a JSON string: escapes, and what JSON forbids there raw. */
export const needsDecoding = /[^ !#-[\]-\uffff]/

/** Cuts an event that brings one string and nothing else that is new; undefined where it brings more, or none. */
export function cut(data: string, chunk: JsonObject): Template | undefined {
  const varying = varyingOf(chunk)
  if (!varying) return undefined
  const name = `"${varying.key}"`
  for (let tries = 0, at = data.indexOf(name); tries < MAX_TRIES && at >= 0; tries++) {
    const start = startOfLiteral(data, at + name.length)
    const template = start === undefined ? undefined : cutAt(data, start, varying)
    if (template && proves(template)) return template
    at = data.indexOf(name, at + 1)
  }
  return undefined
}

/** Where the string begins that is the value of the name before; Python's json.dumps writes a space behind the colon. */
function startOfLiteral(data: string, nameEnd: number): number | undefined {
  const toValue = /\s*:\s*"/y
  toValue.lastIndex = nameEnd
  return toValue.test(data) ? toValue.lastIndex : undefined
}

function cutAt(data: string, start: number, varying: Varying): Template {
  const head = flat(data.slice(0, start))
  const rest = data.slice(endOfLiteral(data, start))
  const padding = /"(?:obfuscation|p)"\s*:\s*"/.exec(rest)
  if (!padding) return { head, middle: flat(rest), tail: undefined, varying }
  const middle = flat(rest.slice(0, padding.index + padding[0].length))
  return { head, middle, tail: flat(rest.slice(endOfLiteral(rest, middle.length))), varying }
}

/** A copy of its own: V8 compares a part that was cut out of a longer string ten times slower. */
export function flat(part: string): string {
  return Buffer.from(part).toString()
}

/** Where the literal that begins at `start` has its closing quote. */
function endOfLiteral(text: string, start: number): number {
  let at = start
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

/** Whether the cut is where the text stands, and not in a look-alike inside another string. */
function proves({ head, middle, tail, varying }: Template): boolean {
  // Then it fits the event as text and as bytes alike.
  if (!isAscii(head) || !isAscii(middle) || !(tail === undefined || isAscii(tail))) return false
  // The event was JSON, and so is this: one string, or two, in the place of others.
  const probe = JSON.parse(head + MARK + middle + (tail === undefined ? '' : MARK + tail)) as JsonObject
  const found = varyingOf(probe)
  if (found?.holder[varying.key] !== MARK) return false
  return tail === undefined || own(probe, 'obfuscation') === MARK || own(probe, 'p') === MARK
}

/** The literal in the place of the template's text, when all else of the event is the same. */
export function literalIn(data: string, template: Template): string | undefined {
  // `startsWith` compares character by character, many times slower than the two strings at once.
  if (data.slice(0, template.head.length) !== template.head) return undefined
  return template.tail === undefined ? between(data, template) : beforePadding(data, template, template.tail)
}

function between(data: string, { head, middle }: Template): string | undefined {
  const end = data.length - middle.length
  return end >= head.length && data.slice(end) === middle ? data.slice(head.length, end) : undefined
}

function beforePadding(data: string, { head, middle }: Template, tail: string): string | undefined {
  const end = data.indexOf(middle, head.length)
  const start = end + middle.length
  const last = data.length - tail.length
  if (end < 0 || last < start || data.slice(last) !== tail) return undefined
  return needsDecoding.test(data.slice(start, last)) ? undefined : data.slice(head.length, end)
}

/** V8 copies shorter strings when it cuts them out; a longer one would keep the whole piece of the body in memory. */
const COPIED_LENGTH = 12

/**
 * Whether a literal, as text or as bytes, is the text that it stands for, and short enough to be kept. Most tokens are;
 * for so few characters a regular expression costs more to begin than to run.
 */
export function isItself(literal: string): boolean {
  if (literal.length > COPIED_LENGTH) return false
  for (let at = 0; at < literal.length; at++) {
    const code = literal.charCodeAt(at)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return true
}

/** The text of a literal, copied; undefined when it is not one whole literal. */
export function unescaped(literal: string): string | undefined {
  try {
    const text: unknown = JSON.parse(`"${literal}"`)
    return typeof text === 'string' ? text : undefined
  } catch (error) {
    // Not a literal after all: the full parse will say what it is.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
