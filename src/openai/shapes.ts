import { isObject, type JsonObject, own } from '../fold/record.ts'
import { parseExact } from '../json/exact.ts'
import { decode, isAscii } from '../sse/bytes.ts'
import { literalIn, type Template, unescaped } from './template.ts'
import { readTrouble } from './trouble.ts'
import { varyingOf } from './varying.ts'

/** How an event of this stream begins: what every event of it repeats, and no other stream has. */
export interface Opening {
  readonly text: string
  readonly identity: JsonObject
}

/** What an event says beside its opening. */
export interface Recalled {
  readonly chunk: JsonObject
  /** For the events that differ in the text only; without an opening. */
  readonly template: Template | undefined
}

/** A shape with a text in it: the chunk is used again and again, each time with the text of the moment. */
interface Worded extends Recalled {
  readonly template: Template
  readonly holder: JsonObject
}

const MAX_PLAIN = 64
const MAX_WORDED = 8
const MAX_LENGTH = 2048

const OPENING =
  /^\{"id":"([ !#-[\]-~]*)","object":"(?:chat\.completion\.chunk|text_completion)","created":(0|[1-9]\d{0,14}),/

/** What an event in OpenAI's own order of members begins with. Its characters stand for themselves, so it needs no parsing. */
export function openingOf(data: string): Opening | undefined {
  const found = OPENING.exec(data)
  return found ? { text: found[0], identity: { id: found[1] as string, created: Number(found[2]) } } : undefined
}

/**
 * What events of earlier streams were like. But for their opening, the first event of a stream, its first text and its
 * end are the same to the byte as those of the stream before, and what was parsed once need not be parsed again: for a
 * short answer that is half of the work. Only chunks of plain values are kept, with which no draft can come to share
 * anything, and only up to a bound.
 */
export class Shapes {
  private readonly plain = new Map<string, JsonObject>()
  private readonly worded: Worded[] = []

  /** What the rest of an event behind its opening says, if the like of it was seen; to be merged before the next call. */
  find(rest: string): Recalled | undefined {
    if (rest.length > MAX_LENGTH) return undefined
    const chunk = this.plain.get(rest)
    return chunk ? { chunk, template: undefined } : this.findWorded(rest)
  }

  private findWorded(rest: string): Recalled | undefined {
    for (const shape of this.worded) {
      const literal = literalIn(rest, shape.template)
      const text = literal === undefined ? undefined : unescaped(decode(literal))
      if (text === undefined) continue
      shape.holder[shape.template.varying.key] = text
      return shape
    }
    return undefined
  }

  /**
   * Keeps what an event says that could be parsed.
   * @param event the same parsed  @param template the one that was made of it, opening and all
   */
  learn(data: string, event: JsonObject, opening: Opening, template: Template | undefined): void {
    const rest = data.slice(opening.text.length)
    if (!isPlain(event) || rest.length > MAX_LENGTH || !isAscii(rest)) return
    const chunk = parseExact(`{${rest}`) as JsonObject
    // Said twice, the second would have counted, and it is the rest that says it.
    if (!isPlain(chunk) || ['id', 'object', 'created'].some((key) => own(chunk, key) !== undefined)) return
    // A stream that is passed on shows its errors too. What is recalled is not looked at for one, so it must not hold any.
    if (readTrouble(chunk)) return
    if (template) this.learnWorded(chunk, { ...template, head: template.head.slice(opening.text.length) })
    else if (!varyingOf(chunk)) this.learnPlain(rest, chunk)
  }

  private learnPlain(rest: string, chunk: JsonObject): void {
    if (this.plain.size >= MAX_PLAIN) this.plain.delete(this.plain.keys().next().value as string)
    // A copy: the text that it was cut from is a piece of somebody's answer.
    this.plain.set(Buffer.from(rest).toString(), chunk)
  }

  private learnWorded(chunk: JsonObject, template: Template): void {
    const { key } = template.varying
    const holder = holdersIn(chunk).find((holder) => typeof own(holder, key) === 'string')
    if (!holder) return
    if (this.worded.unshift({ chunk, template, holder }) > MAX_WORDED) this.worded.pop()
  }
}

/** The objects of a plain chunk in which its text may stand: the choice's delta, or else the choice. */
function holdersIn(chunk: JsonObject): JsonObject[] {
  const [choice] = chunk.choices as JsonObject[]
  const delta = choice && own(choice, 'delta')
  return isObject(delta) ? [delta] : choice ? [choice] : []
}

/** Whether a chunk is one choice with at most a delta in it, and nothing in either that could be shared or grow. */
function isPlain(chunk: JsonObject): boolean {
  const { choices, ...top } = chunk
  if (!Array.isArray(choices) || choices.length !== 1 || !areLeaves(top)) return false
  const [choice] = choices
  if (!isObject(choice)) return false
  const { delta = {}, ...beside } = choice
  return areLeaves(beside) && isObject(delta) && areLeaves(delta)
}

function areLeaves(object: JsonObject): boolean {
  return Object.values(object).every((value) => typeof value !== 'object' || value === null)
}
