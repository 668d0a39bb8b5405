import { decode, plainText } from '../sse/bytes.ts'
import type { Stretch } from '../sse/parse.ts'
import { isItself, needsDecoding, type Template, unescaped } from './template.ts'

const BACKSLASH = 0x5c

/**
 * Reads events that fit one template where they stand in a body, one behind the other. Between two of their texts stands
 * always the same: the end of one event, the blank line, and the beginning of the next. So an event costs one look for
 * the quote that ends its text, and one comparison with what must follow; cut out of the body first, it cost four times
 * as much.
 */
export class Run {
  /** How many events the last call has taken. */
  taken = 0
  /** Their texts as one, if they were to be kept. */
  text = ''
  readonly template: Template
  readonly field: string
  /** What ends an event of the template. */
  private readonly close: string
  /** The same with the blank line, and with the beginning of the next event. */
  private readonly last: string
  private readonly bridge: string

  /** @param field what stands between a line's beginning and its data */
  constructor(template: Template, field: string) {
    this.template = template
    this.field = field
    this.close = template.tail ?? template.middle
    this.last = `${this.close}\n\n`
    this.bridge = Buffer.from(`${this.last}${field}${template.head}`).toString()
  }

  /**
   * Takes as many events as fit, the first of which has its data at `from`.
   * @param keepsText whether the texts are wanted; otherwise nothing is asked of them but that they are within a line
   * @returns where the last one's data ends; -1 when not even the first fits
   */
  read({ body, from, maxLength }: Stretch, keepsText: boolean): number {
    this.taken = 0
    this.text = ''
    let end = -1
    let start = from + this.template.head.length
    if (body.slice(from, start) !== this.template.head) return end
    for (;;) {
      const quote = endOfLiteral(body, start)
      const closing = quote === -1 ? -1 : this.behindPadding(body, quote)
      if (closing === -1 || closing - start > maxLength - this.bridge.length) return end
      const next = closing + this.bridge.length
      const goesOn = body.slice(closing, next) === this.bridge
      if (!goesOn && body.slice(closing, closing + this.last.length) !== this.last) return end
      const literal = body.slice(start, quote)
      if (keepsText ? !this.keep(literal) : literal.includes('\n')) return end
      this.taken++
      end = closing + this.close.length
      if (!goesOn || (keepsText && !this.template.varying.joins)) return end
      start = next
    }
  }

  /** Where the end of the event begins whose text ends at `quote`: there, or behind OpenAI's padding. */
  private behindPadding(body: string, quote: number): number {
    const { middle, tail } = this.template
    if (tail === undefined) return quote
    const start = quote + middle.length
    if (body.slice(quote, start) !== middle) return -1
    const end = body.indexOf('"', start)
    return end === -1 || needsDecoding.test(body.slice(start, end)) ? -1 : end
  }

  private keep(literal: string): boolean {
    const text = textOf(literal)
    if (text === undefined) return false
    this.text += text
    return true
  }
}

/** The quote that ends the literal which begins at `start`; -1 when there is none, or none within the line. */
function endOfLiteral(body: string, start: number): number {
  let quote = body.indexOf('"', start)
  if (!isEscaped(body, quote)) return quote
  const lineEnd = body.indexOf('\n', quote)
  do quote = body.indexOf('"', quote + 1)
  while (isEscaped(body, quote) && quote < lineEnd)
  return quote < lineEnd ? quote : -1
}

/** Whether an odd number of backslashes stands before this place. */
function isEscaped(body: string, at: number): boolean {
  let first = at
  while (body.charCodeAt(first - 1) === BACKSLASH) first--
  return (at - first) % 2 === 1
}

/** The text of a literal in byte text; undefined when it is none. */
export function textOf(literal: string): string | undefined {
  return isItself(literal) ? literal : (plainText(literal) ?? unescaped(decode(literal)))
}
