import { type ProxyError, toProxyError } from '../../src/errors.ts'
import { Collect } from '../../src/exchange/collect.ts'
import { finishChat, finishCompletion } from '../../src/fold/finish.ts'
import type { Fold } from '../../src/openai/api.ts'
import { chat } from '../../src/openai/chat.ts'
import { ChunkFold } from '../../src/openai/chunks.ts'
import { completions } from '../../src/openai/completions.ts'
import { ResponseFold } from '../../src/openai/response-events.ts'
import { responses } from '../../src/openai/responses.ts'
import type { Flow } from '../../src/upstream/consumer.ts'
import { sseBody } from '../support/chunks.ts'

export type ApiName = 'chat' | 'completions' | 'responses'

export const folds: Readonly<Record<ApiName, (cap: number) => Fold>> = {
  chat: (cap) => new ChunkFold(cap, finishChat),
  completions: (cap) => new ChunkFold(cap, finishCompletion),
  responses: (cap) => new ResponseFold(cap),
}

const apis = { chat, completions, responses }

export const CAP = 64 * 2 ** 20

/** What a body came to: the answer's text, or the error that stands in its place. */
export interface Folded {
  text?: string
  error?: ProxyError
}

/** A try that only keeps how it ended. */
class Ending implements Flow {
  /** Fulfilled when the answer is complete, with the error when there is none. */
  readonly over = Promise.withResolvers<ProxyError | undefined>()
  ended: { error: ProxyError | undefined } | undefined

  done(): void {
    this.fail(undefined)
  }

  fail(error: ProxyError | undefined): void {
    this.ended ??= { error }
    this.over.resolve(error)
  }

  work(part: () => void): void {
    try {
      part()
    } catch (thrown) {
      this.fail(toProxyError(thrown))
    }
  }

  pause(): void {}
  resume(): void {}
  nearlyDone(): void {}
}

/** Reads a body that came in these chunks as the proxy would; also says how the try ended. */
export function collect(
  api: ApiName,
  chunks: Iterable<Buffer>,
  cap: number,
  headers: Record<string, string> = {},
): { fold: Fold; ending: Ending } {
  const fold = folds[api](cap)
  const ending = new Ending()
  const consumer = new Collect(apis[api], fold, { maxEventBytes: CAP, maxAnswerBytes: cap }, () => {})
  consumer.begin({ status: 200, headers }, ending)
  ending.work(() => {
    for (const chunk of chunks) if (!ending.ended) consumer.push(chunk)
    if (!ending.ended) consumer.end(false)
  })
  return { fold, ending }
}

/** Folds a body that came in these chunks. An error that is no ProxyError is thrown: it is a defect. */
export function foldChunks(api: ApiName, chunks: Iterable<Buffer>, cap = CAP): Folded {
  const { fold, ending } = collect(api, chunks, cap)
  return foldedOf(fold, ending.ended?.error)
}

export function foldedOf(fold: Fold, error: ProxyError | undefined): Folded {
  if (error?.code === 'internal_error') throw error.details.cause
  if (error) return { error }
  return { text: fold.finish() }
}

/** Folds events: objects as JSON, strings as they are. Closes with `[DONE]`. */
export function foldEvents(
  events: readonly (Record<string, unknown> | string)[],
  api: ApiName = 'chat',
  cap = CAP,
): Folded {
  return foldChunks(api, [Buffer.from(sseBody(events, { done: true }))], cap)
}

/** The answer of events that must have one, parsed. */
export function answerOf(events: readonly (Record<string, unknown> | string)[], api: ApiName = 'chat'): unknown {
  const { text, error } = foldEvents(events, api)
  if (error) throw error
  return JSON.parse(text ?? '')
}

/** What a client could tell of the error, and nothing else, so that two can be compared. */
export function describeError(error: ProxyError): object {
  const { code, status, details } = error
  return { code, status, retryAfter: details.retryAfter, shown: error.toJSON() }
}
