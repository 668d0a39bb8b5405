import { ProxyError } from '../errors.ts'
import { Meter } from '../fold/draft.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { memberText } from '../json/splice.ts'
import { decode } from '../sse/bytes.ts'
import { type Fold, isDone, type Summary } from './api.ts'
import { identityOf, parseEvent, writeAnswer } from './chunks.ts'
import { findTrouble } from './foreign.ts'
import { ResponseItems } from './response-items.ts'
import { readTrouble, troubleOf } from './trouble.ts'
import { readUsage } from './usage.ts'

/**
 * Folds a Responses stream: the terminal event carries the whole answer. Its text is taken as it came, so that
 * every digit and the order of the members survive.
 */
export class ResponseFold implements Fold {
  private readonly meter: Meter
  /** What has come on the way, for back ends whose terminal event has no output. */
  private readonly items: ResponseItems
  private answer: { text: string; value: JsonObject } | undefined
  /** A response that has failed is no answer, but says what it has cost. */
  private failed: JsonObject | undefined

  constructor(maxAnswerBytes: number) {
    this.meter = new Meter(maxAnswerBytes)
    this.items = new ResponseItems(this.meter)
  }

  get done(): boolean {
    return this.answer !== undefined
  }

  get whole(): boolean {
    return this.done
  }

  push(data: string, name: string): void {
    if (this.answer || isDone(data)) return
    this.take(data, parseEvent(data, name), name)
  }

  pushBytes(bytes: string, name: string): void {
    this.push(decode(bytes), name)
  }

  private take(data: string, event: JsonObject, name: string): void {
    const type = own(event, 'type') ?? name
    if (event.error === undefined && this.items.follow(type, event)) return
    switch (type) {
      case 'response.completed':
      case 'response.incomplete':
      case 'response.cancelled':
      // The Realtime API's word for any end, which the back end of Codex and some gateways use here.
      case 'response.done':
        this.end(data, event)
        break
      case 'response.failed':
        throw this.failWith(own(event, 'response'), failureOf(event))
      default: {
        const trouble = findTrouble(event, name)
        if (trouble) throw trouble
        if (isText(type)) this.items.take(type, event, data.length)
      }
    }
  }

  private end(data: string, event: JsonObject): void {
    const value = own(event, 'response')
    if (!isObject(value)) {
      throw new ProxyError('upstream_invalid', { message: 'The upstream ended its stream without a response.' })
    }
    // A gateway that ends every stream with `response.completed` says only within it that the response has failed.
    const trouble = readTrouble(value) ?? (own(value, 'status') === 'failed' ? failureOf(event) : undefined)
    if (trouble) throw this.failWith(value, trouble)
    const lacks = this.lacksItems(value)
    if (!lacks) this.items.drop()
    this.meter.add(data.length)
    this.answer = { text: lacks ? this.fill(value) : (memberText(data, 'response') as string), value }
  }

  private failWith(response: Json | undefined, error: ProxyError): ProxyError {
    if (isObject(response)) this.failed = response
    return error
  }

  /** Written anew here rather than at the end, so that one that cannot be written can still be had from another upstream. */
  private fill(value: JsonObject): string {
    const isBroken = ['incomplete', 'cancelled'].some((status) => own(value, 'status') === status)
    return writeAnswer({ ...value, output: this.items.inOrder(isBroken ? 'incomplete' : 'completed') })
  }

  summary(): Summary {
    const value = this.answer?.value ?? this.failed ?? {}
    const status = own(value, 'status')
    return {
      ...identityOf(value),
      finishReasons: isText(status) ? [status] : [],
      usage: readUsage(own(value, 'usage')),
    }
  }

  finish(): string {
    if (!this.answer) throw new ProxyError('upstream_truncated')
    return this.answer.text
  }

  private lacksItems(value: JsonObject): boolean {
    const output = own(value, 'output')
    return this.items.size > 0 && (!Array.isArray(output) || output.length === 0)
  }
}

/** `response.failed`: the error stands within the response, beside its status. */
function failureOf(event: JsonObject): ProxyError {
  const response = own(event, 'response')
  const error = isObject(response) ? own(response, 'error') : undefined
  return troubleOf(isObject(error) ? error : {}, event)
}
