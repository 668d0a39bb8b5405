import type { JsonObject } from '../fold/record.ts'
import { decode } from '../sse/bytes.ts'
import { cut, needsDecoding, type Template } from './template.ts'
import type { Varying } from './varying.ts'

/** After so many templates in a row that no event fitted, the stream is one that varies: learning costs more than it saves. */
const PATIENCE = 6

/** After so many events it is tried again: another part of the answer may have begun. */
const REST = 64

/** V8 copies shorter strings when it cuts them out; a longer one would keep the whole piece of the body in memory. */
const COPIED_LENGTH = 12

/**
 * Finds the text of a chunk without parsing it. Consecutive events of a stream are the same to the byte but for one
 * string (and OpenAI's padding), so an event that fits the template of the last parsed one can only say what that one
 * said, with another text. Any surprise gives `undefined`, and the caller parses. A property test proves that both ways
 * fold to the same answer.
 */
export class Quick {
  private template: Template | undefined
  private misses = 0
  private resting = 0

  /**
   * What the event says, where that differs from the last parsed one in a single string; undefined when this event has
   * to be parsed. It is valid until the next call.
   */
  find(data: string): Varying | undefined {
    const literal = this.literalIn(data)
    return literal === undefined ? undefined : this.vary(literal)
  }

  /** The same for an event as byte text, of which only the varying string is decoded. */
  findBytes(bytes: string): Varying | undefined {
    const literal = this.literalIn(bytes)
    return literal === undefined ? undefined : this.vary(decode(literal))
  }

  private literalIn(data: string): string | undefined {
    const template = this.template
    // `startsWith` compares character by character, many times slower than the two strings at once.
    if (!template || data.slice(0, template.head.length) !== template.head) return undefined
    return template.tail === undefined ? between(data, template) : beforePadding(data, template, template.tail)
  }

  private vary(literal: string): Varying | undefined {
    const template = this.template as Template
    const text = literal.length > COPIED_LENGTH || needsDecoding.test(literal) ? unescaped(literal) : literal
    if (text === undefined) return undefined
    this.misses = 0
    template.varying.holder[template.varying.key] = text
    return template.varying
  }

  /**
   * Learns from an event that had to be parsed. Every such event must be shown: it may change what the one before
   * said, and then the template of that one would be out of date.
   */
  learn(data: string, chunk: JsonObject): void {
    this.template = undefined
    if (this.resting > 0) {
      this.resting--
      return
    }
    this.template = cut(data, chunk)
    if (!this.template || ++this.misses <= PATIENCE) return
    this.misses = 0
    this.resting = REST
  }
}

function between(data: string, { head, middle }: Template): string | undefined {
  const end = data.length - middle.length
  return end >= head.length && data.endsWith(middle) ? data.slice(head.length, end) : undefined
}

function beforePadding(data: string, { head, middle }: Template, tail: string): string | undefined {
  const end = data.indexOf(middle, head.length)
  const start = end + middle.length
  const last = data.length - tail.length
  if (end < 0 || last < start || !data.endsWith(tail)) return undefined
  return needsDecoding.test(data.slice(start, last)) ? undefined : data.slice(head.length, end)
}

/** The text of a literal, copied; undefined when it is not one whole literal. */
function unescaped(literal: string): string | undefined {
  try {
    const text: unknown = JSON.parse(`"${literal}"`)
    return typeof text === 'string' ? text : undefined
  } catch (error) {
    // Not a literal after all: the full parse will say what it is.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
