import type { JsonObject } from '../fold/record.ts'
import { Run, textOf } from './run.ts'
import { type Opening, openingOf, Shapes } from './shapes.ts'
import { cut, flat, isItself, literalIn, type Template, unescaped } from './template.ts'
import type { Varying } from './varying.ts'

/** After so many templates in a row that no event fitted, the stream is one that varies: learning costs more than it saves. */
const PATIENCE = 6

/** After so many events it is tried again: another part of the answer may have begun. */
const REST = 64

// All streams of this process together: what an event was like does not depend on whose answer it belongs to.
const shapes = new Shapes()

/** What an event says that is like one of another stream: first the identity of its own stream, then the rest. */
export type Recollection = readonly [identity: JsonObject, chunk: JsonObject]

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
  private opening: Opening | undefined
  private run: Run | undefined

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
    return literal === undefined ? undefined : this.vary(textOf(literal))
  }

  /** What reads events that fit the template where they stand in a body; undefined while there is none. */
  runWith(field: string): Run | undefined {
    const { template } = this
    if (template && (this.run?.template !== template || this.run.field !== field)) this.run = new Run(template, field)
    return template && this.run
  }

  private literalIn(data: string): string | undefined {
    return this.template && literalIn(data, this.template)
  }

  /** What an event that fits the template says with this text, which may be that of several; valid until the next call. */
  vary(text: string | undefined): Varying | undefined {
    const template = this.template as Template
    if (text === undefined) return undefined
    this.misses = 0
    template.varying.holder[template.varying.key] = text
    return template.varying
  }

  /**
   * What an unnamed event says that did not vary but is like one of another stream, so that it need not be parsed
   * either. To be used before the next call.
   */
  recall(bytes: string): Recollection | undefined {
    const opening = this.openingIn(bytes)
    const recalled = opening && shapes.find(bytes.slice(opening.text.length))
    if (!recalled) return undefined
    const { chunk, template } = recalled
    this.template = template && { ...template, head: flat(opening.text + template.head) }
    return [opening.identity, chunk]
  }

  private openingIn(data: string): Opening | undefined {
    const known = this.opening
    if (known && data.slice(0, known.text.length) === known.text) return known
    this.opening = openingOf(data)
    return this.opening
  }

  /**
   * Learns from an event that had to be parsed. Every such event must be shown: it may change what the one before
   * said, and then the template of that one would be out of date.
   * @param name the event's name; what a named one says depends on it, so other streams learn nothing from it
   */
  learn(data: string, chunk: JsonObject, name: string): void {
    this.template = undefined
    if (this.resting > 0) {
      this.resting--
      return
    }
    this.template = cut(data, chunk)
    if (this.template && ++this.misses > PATIENCE) {
      this.misses = 0
      this.resting = REST
      return
    }
    const opening = name === '' ? this.openingIn(data) : undefined
    if (opening) shapes.learn(data, chunk, opening, this.template)
  }
}
