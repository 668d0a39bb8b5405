import { isObject, type Json, type JsonObject, own } from '../fold/record.ts'

/** Stands for a piece of text in the probe; JSON needs no escape for any of its characters. */
const MARK = 'mark-of-the-varying-piece'

/** After so many templates in a row that no event fitted, the stream is one that varies: learning costs more than it saves. */
const PATIENCE = 6

/** Members of a choice that may stand beside the delta: merging them twice changes nothing. */
const idle = new Set(['index', 'delta', 'finish_reason', 'logprobs', 'content_filter_results'])

/** An event cut at the places where consecutive events differ. */
interface Template {
  /** All before the text. */
  readonly head: string
  /** All after it, up to the padding, or to the end where there is no padding. */
  readonly middle: string
  /** All after the padding; undefined where the events carry none. */
  readonly tail: string | undefined
  readonly index: number
}

/**
 * Finds the text of a delta without parsing the event. Consecutive events of a stream are the same to the byte but
 * for one string (and OpenAI's padding), so an event that fits the template of the last parsed one can only say what
 * that one said, with another text. Any surprise gives `undefined`, and the caller parses. A property test proves
 * that both ways fold to the same answer.
 */
export class Quick {
  private template: Template | undefined
  private misses = 0

  /** The choice that the text last found belongs to. */
  index = 0

  /** The delta's text, or undefined when this event has to be parsed. */
  find(data: string): string | undefined {
    const template = this.template
    if (!template || !data.startsWith(template.head)) return undefined
    const literal = template.tail === undefined ? between(data, template) : beforePadding(data, template)
    if (literal === undefined) return undefined
    const text = needsDecoding.test(literal) ? decode(literal) : literal
    if (text !== undefined) this.misses = 0
    return text
  }

  /** Learns from an event that had to be parsed. */
  learn(data: string, chunk: JsonObject): void {
    if (this.misses > PATIENCE) return
    this.template = undefined
    const index = indexOfPlainDelta(chunk)
    if (index === undefined) return
    this.misses++
    this.template = cut(data, index)
    this.index = index
  }
}

// Anything but the characters that stand for themselves in a JSON string: escapes, and what JSON forbids there raw.
const needsDecoding = /[^ !#-[\]-\uffff]/

function between(data: string, { head, middle }: Template): string | undefined {
  const end = data.length - middle.length
  return end >= head.length && data.endsWith(middle) ? data.slice(head.length, end) : undefined
}

function beforePadding(data: string, { head, middle, tail }: Template): string | undefined {
  const end = data.indexOf(middle, head.length)
  if (end < 0 || !data.endsWith(tail as string)) return undefined
  const padding = data.slice(end + middle.length, data.length - (tail as string).length)
  return needsDecoding.test(padding) ? undefined : data.slice(head.length, end)
}

/** The text of a literal with escapes; undefined when it is not one whole literal. */
function decode(literal: string): string | undefined {
  try {
    const text: unknown = JSON.parse(`"${literal}"`)
    return typeof text === 'string' ? text : undefined
  } catch (error) {
    // Not a literal after all: the full parse will say what it is.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The index of the one choice whose delta brings nothing but text, in a chunk that says nothing else that is new. */
function indexOfPlainDelta(chunk: JsonObject): number | undefined {
  const choices = own(chunk, 'choices')
  const choice = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined
  if (!isObject(choice) || !Object.keys(choice).every((key) => idle.has(key))) return undefined
  if ((own(choice, 'finish_reason') ?? null) !== null || (own(choice, 'logprobs') ?? null) !== null) return undefined
  const delta = own(choice, 'delta')
  if (!isObject(delta) || typeof own(delta, 'content') !== 'string' || !Object.entries(delta).every(isIdle))
    return undefined
  const index = own(choice, 'index') ?? 0
  return typeof index === 'number' ? index : undefined
}

/** A role and nulls beside the text are repeated by some in every chunk and change nothing the second time. */
function isIdle([key, value]: [string, Json]): boolean {
  return key === 'content' || key === 'role' || value === null
}

function cut(data: string, index: number): Template | undefined {
  const head = upTo(data, '"content":"') ?? upTo(data, '"content": "')
  if (head === undefined) return undefined
  const rest = data.slice(endOfLiteral(data, head.length))
  const middle = upTo(rest, '"obfuscation":"') ?? upTo(rest, '"p":"')
  const template =
    middle === undefined
      ? { head, middle: rest, tail: undefined, index }
      : { head, middle, tail: rest.slice(endOfLiteral(rest, middle.length)), index }
  return proves(template) ? template : undefined
}

function upTo(text: string, mark: string): string | undefined {
  const at = text.indexOf(mark)
  return at < 0 ? undefined : text.slice(0, at + mark.length)
}

/** Where the literal that begins at `start` has its closing quote. */
function endOfLiteral(text: string, start: number): number {
  let at = start
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

/** Whether the cut is where the text stands, and not in a look-alike inside another string. */
function proves(template: Template): boolean {
  const probe = parse(
    template.head + MARK + template.middle + (template.tail === undefined ? '' : MARK + template.tail),
  )
  if (!isObject(probe) || indexOfPlainDelta(probe) !== template.index) return false
  const [choice] = own(probe, 'choices') as [JsonObject]
  const delta = own(choice, 'delta') as JsonObject
  const padded = template.tail === undefined || own(probe, 'obfuscation') === MARK || own(probe, 'p') === MARK
  return own(delta, 'content') === MARK && padded
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
