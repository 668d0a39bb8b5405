import type { JsonObject } from '../fold/record.ts'
import { decode } from '../sse/bytes.ts'
import { cut, isItself, literalIn, type Template, unescaped } from './template.ts'
import type { Varying } from './varying.ts'

/** After so many templates in a row that no event fitted, the stream is one that varies: learning costs more than it saves. */
const PATIENCE = 6

/** After so many events it is tried again: another part of the answer may have begun. */
const REST = 64

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
    return literal === undefined ? undefined : this.vary(isItself(literal) ? literal : unescaped(literal))
  }

  /** The same for an event as byte text, of which only the varying string is decoded. */
  findBytes(bytes: string): Varying | undefined {
    const literal = this.literalIn(bytes)
    return literal === undefined ? undefined : this.vary(isItself(literal) ? literal : unescaped(decode(literal)))
  }

  private literalIn(data: string): string | undefined {
    return this.template && literalIn(data, this.template)
  }

  private vary(text: string | undefined): Varying | undefined {
    const template = this.template as Template
    if (text === undefined) return undefined
    this.misses = 0
    template.varying.holder[template.varying.key] = text
    return template.varying
  }

  /** Goes on with a template that is known to fit; undefined when what was said last is no piece of a text. */
  adopt(template: Template | undefined): void {
    this.template = template
  }

  /**
   * Learns from an event that had to be parsed, and returns the template that was made of it; null while learning
   * rests. Every such event must be shown: it may change what the one before said, and then the template of that one
   * would be out of date.
   */
  learn(data: string, chunk: JsonObject): Template | undefined | null {
    this.template = undefined
    if (this.resting > 0) {
      this.resting--
      return null
    }
    this.template = cut(data, chunk)
    if (!this.template || ++this.misses <= PATIENCE) return this.template
    this.misses = 0
    this.resting = REST
    return null
  }
}
