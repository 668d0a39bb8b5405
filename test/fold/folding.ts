import { ProxyError } from '../../src/errors.ts'
import { finishChat, finishCompletion } from '../../src/fold/finish.ts'
import type { Fold } from '../../src/openai/api.ts'
import { ChunkFold } from '../../src/openai/chunks.ts'
import { ResponseFold } from '../../src/openai/response-events.ts'
import { createParser } from '../../src/sse/parse.ts'
import { Utf8Decoder } from '../../src/sse/text.ts'
import { sseBody } from '../support/chunks.ts'

export type ApiName = 'chat' | 'completions' | 'responses'

export const folds: Readonly<Record<ApiName, (cap: number) => Fold>> = {
  chat: (cap) => new ChunkFold(cap, finishChat),
  completions: (cap) => new ChunkFold(cap, finishCompletion),
  responses: (cap) => new ResponseFold(cap),
}

export const CAP = 64 * 2 ** 20

/** What a body came to: the answer's text, or the error that stands in its place. */
export interface Folded {
  text?: string
  error?: ProxyError
}

/** Folds a body that came in these chunks. Errors that are no ProxyError are not caught: they are defects. */
export function foldChunks(api: ApiName, chunks: readonly Buffer[], cap = CAP): Folded {
  const fold = folds[api](cap)
  const decoder = new Utf8Decoder()
  const parser = createParser((data, name) => fold.push(data, name), { maxEventBytes: CAP })
  try {
    for (const chunk of chunks) parser.push(decoder.write(chunk))
    parser.push(decoder.end())
    parser.end()
    return { text: fold.finish() }
  } catch (thrown) {
    if (thrown instanceof ProxyError) return { error: thrown }
    throw thrown
  }
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
  return { code: error.code, status: error.status, ...error.toJSON().error, retryAfter: error.details.retryAfter }
}
