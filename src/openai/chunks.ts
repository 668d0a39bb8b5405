import { ProxyError } from '../errors.ts'
import { choiceAt, type Draft, newDraft } from '../fold/draft.ts'
import { assertNotEmpty, finishReasons, isFinished, usageOf } from '../fold/finish.ts'
import { mergeChoice, mergeChunk } from '../fold/merge.ts'
import { isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { parseExact } from '../json/exact.ts'
import { decode } from '../sse/bytes.ts'
import { type Fold, isDone, type Summary } from './api.ts'
import { findTrouble } from './foreign.ts'
import { isHeartbeat } from './heartbeat.ts'
import { Quick } from './quick.ts'
import { QuickSkim } from './skim.ts'
import { objectIn, spokenTrouble } from './trouble.ts'
import { readUsage } from './usage.ts'
import type { Varying } from './varying.ts'

/** Folds the chunks of the chat and the legacy API; they differ only in the answer that is made at the end. */
export class ChunkFold implements Fold {
  private readonly draft: Draft
  private readonly quick = new Quick()
  private readonly toAnswer: (draft: Draft) => JsonObject
  /** OpenRouter says beside an error what it bills; of such a chunk nothing else counts. */
  private bill: Json | undefined
  done = false
  readonly skim = new QuickSkim(
    this.quick,
    () => this.done,
    (varying) => this.vary(varying),
  )

  constructor(maxAnswerBytes: number, toAnswer: (draft: Draft) => JsonObject) {
    this.draft = newDraft(maxAnswerBytes)
    this.toAnswer = toAnswer
  }

  get whole(): boolean {
    return this.done || isFinished(this.draft)
  }

  push(data: string, name: string): void {
    // What follows [DONE] is noise: some gateways append their own bookkeeping.
    if (this.done) return
    const varying = name === 'error' ? undefined : this.quick.find(data)
    if (varying) this.vary(varying)
    else this.read(data, name)
  }

  pushBytes(bytes: string, name: string): void {
    if (this.done) return
    const varying = name === 'error' ? undefined : this.quick.findBytes(bytes)
    if (varying) this.vary(varying)
    else if (name !== '' || !this.recall(bytes)) this.read(decode(bytes), name)
  }

  /** Whether the event is like one of another stream, and has been merged without being parsed. */
  private recall(bytes: string): boolean {
    const recalled = this.quick.recall(bytes)
    if (!recalled) return false
    for (const part of recalled) mergeChunk(this.draft, part)
    return true
  }

  private vary({ index, piece }: Varying): void {
    mergeChoice(choiceAt(this.draft, index), piece, this.draft.meter)
  }

  private read(data: string, name: string): void {
    if (isDone(data)) this.end()
    else this.merge(data, name)
  }

  /** Here rather than at the end, so that an upstream that had nothing to say can be exchanged for another. */
  private end(): void {
    assertNotEmpty(this.draft)
    this.done = true
  }

  private merge(data: string, name: string): void {
    const chunk = parseEvent(data, name)
    const trouble = findTrouble(chunk, name)
    if (trouble) {
      this.bill = own(chunk, 'usage')
      throw trouble
    }
    if (isHeartbeat(chunk)) return
    mergeChunk(this.draft, chunk)
    this.quick.learn(data, chunk, name)
  }

  summary(): Summary {
    const { draft } = this
    return {
      ...identityOf(draft.top),
      finishReasons: finishReasons(draft),
      usage: readUsage(this.bill) ?? readUsage(usageOf(draft)),
    }
  }

  finish(): string {
    assertNotEmpty(this.draft)
    if (!this.whole) throw new ProxyError('upstream_truncated')
    return writeAnswer(this.toAnswer(this.draft))
  }
}

/** An event's data as an object. @throws ProxyError `upstream_invalid` when it is anything else */
export function parseEvent(data: string, name = ''): JsonObject {
  let value: unknown
  try {
    value = parseExact(data)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // Without the cause: its message quotes the text, and answers do not belong into logs.
    throw (
      spokenTrouble(data, name) ??
      new ProxyError('upstream_invalid', { message: 'The upstream sent an event that is not JSON.' })
    )
  }
  const object = objectIn(value)
  if (object) return object
  throw new ProxyError('upstream_invalid', { message: 'The upstream sent an event that is not a JSON object.' })
}

/** @throws ProxyError `upstream_invalid` for an answer nested so deeply that it cannot be written */
export function writeAnswer(answer: JsonObject): string {
  try {
    return JSON.stringify(answer)
  } catch (cause) {
    throw new ProxyError('upstream_invalid', {
      message: 'The upstream sent an answer that is nested too deeply.',
      cause,
    })
  }
}

export function identityOf(answer: JsonObject): { id?: string; model?: string } {
  const id = own(answer, 'id')
  const model = own(answer, 'model')
  return { ...(isText(id) ? { id } : {}), ...(isText(model) ? { model } : {}) }
}
