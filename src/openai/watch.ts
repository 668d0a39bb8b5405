import type { ProxyError } from '../errors.ts'
import type { Usage } from '../facts.ts'
import { indexOf, MAX_INDEX } from '../fold/draft.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { decode } from '../sse/bytes.ts'
import { type Api, isDone, type Summary } from './api.ts'
import { identityOf } from './chunks.ts'
import { findTrouble } from './foreign.ts'
import { Quick, type Recollection } from './quick.ts'
import { QuickSkim } from './skim.ts'
import { objectIn, readTrouble, spokenTrouble } from './trouble.ts'
import { readUsage } from './usage.ts'

/**
 * Looks at the events of a stream that is passed through: whether it is whole, what it cost, whether it is an error.
 * It changes nothing and objects to nothing; an event that it cannot read is the client's to judge.
 */
export class Watch {
  done = false
  /** The first error in the stream. */
  trouble: ProxyError | undefined
  private readonly quick = new Quick()
  /** Instead of `see`, for events that are like earlier ones where they stand in a body. */
  readonly skim = new QuickSkim(this.quick, () => this.done)
  private id: string | undefined
  private model: string | undefined
  private usage: Usage | undefined
  /** Moonshot's place for the counts; only where they stand nowhere else. */
  private choiceUsage: Usage | undefined
  /** Each choice's finish reason by its index; null until it has one. */
  private readonly reasons = new Map<number, string | null>()
  private readonly hasLastEvent: boolean

  constructor({ hasLastEvent = false }: Pick<Api, 'hasLastEvent'> = {}) {
    this.hasLastEvent = hasLastEvent
  }

  get whole(): boolean {
    if (this.done || this.hasLastEvent) return this.done
    return this.reasons.size > 0 && this.finishReasons().length === this.reasons.size
  }

  summary(): Summary {
    const summary: Summary = { finishReasons: this.finishReasons(), usage: this.usage ?? this.choiceUsage }
    if (this.id !== undefined) summary.id = this.id
    if (this.model !== undefined) summary.model = this.model
    return summary
  }

  private finishReasons(): string[] {
    const reasons: string[] = []
    for (const reason of this.reasons.values()) if (reason !== null) reasons.push(reason)
    return reasons
  }

  /** @param bytes the event's data as byte text (`sse/bytes.ts`) */
  see(bytes: string, name: string): void {
    if (this.done) return
    if (name !== 'error' && this.quick.findBytes(bytes)) return
    const recalled = name === '' ? this.quick.recall(bytes) : undefined
    if (recalled) this.readRecalled(recalled)
    else if (isDone(bytes)) this.done = !this.hasLastEvent
    else this.parse(decode(bytes), name)
  }

  /** Such events are neither errors nor those of the Responses API. */
  private readRecalled([identity, chunk]: Recollection): void {
    this.readIdentity(identity)
    this.readIdentity(chunk)
    this.readChoices(chunk)
  }

  private parse(data: string, name: string): void {
    const event = objectIn(parse(data))
    if (!event) {
      this.trouble ??= spokenTrouble(data, name)
      return
    }
    this.quick.learn(data, event, name)
    this.read(event, name)
  }

  private read(event: JsonObject, name: string): void {
    this.trouble ??= findTrouble(event, name)
    this.readIdentity(event)
    const response = own(event, 'response')
    const type = own(event, 'type') ?? name
    if (isObject(response) && isText(type)) this.readResponse(response, type)
    this.readChoices(event)
  }

  private readChoices(event: JsonObject): void {
    const choices = own(event, 'choices')
    if (!Array.isArray(choices)) return
    for (const [position, choice] of choices.entries()) this.readChoice(choice, position)
  }

  private readIdentity(event: JsonObject): void {
    const { id, model } = identityOf(event)
    this.id ??= id
    this.model ??= model
    const groq = own(event, 'x_groq')
    this.usage =
      readUsage(own(event, 'usage')) ?? (isObject(groq) ? readUsage(own(groq, 'usage')) : undefined) ?? this.usage
  }

  private readChoice(choice: Json, position: number): void {
    if (!isObject(choice)) return
    const index = indexOf(choice) ?? position
    if (!this.reasons.has(index) && this.reasons.size > MAX_INDEX) return
    this.choiceUsage = readUsage(own(choice, 'usage')) ?? this.choiceUsage
    const reason = own(choice, 'finish_reason')
    if (isText(reason)) this.reasons.set(index, reason)
    else if (!this.reasons.has(index)) this.reasons.set(index, null)
  }

  private readResponse(response: JsonObject, type: string): void {
    this.readIdentity(response)
    if (!/^response\.(completed|incomplete|failed|cancelled|done)$/.test(type)) return
    this.done = true
    const status = own(response, 'status')
    if (isText(status)) this.reasons.set(0, status)
    const failed = type === 'response.failed' || status === 'failed'
    this.trouble ??= readTrouble({ error: own(response, 'error') ?? (failed ? 'failed' : null) })
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
