import type { ApiRoute, Usage } from '../facts.ts'
import type { JsonObject } from '../fold/record.ts'
import type { Skim } from '../sse/parse.ts'

/** What an answer says of itself; the rest of it is the client's alone. */
export interface Summary {
  id?: string
  model?: string
  finishReasons: string[]
  usage: Usage | undefined
}

/** Takes the events of one stream and makes one answer of them. Does no I/O and looks at no clock. */
export interface Fold {
  /** True once nothing more is needed: `[DONE]` or a terminal event has come. */
  readonly done: boolean
  /** True when the answer would be whole if the stream ended here, even without `[DONE]`. */
  readonly whole: boolean
  /**
   * Takes one event.
   * @throws ProxyError `upstream_error` for an error in the stream, `upstream_invalid`, `upstream_too_large`
   */
  push(data: string, name: string): void
  /** The same for data that has not been decoded: byte text (`sse/bytes.ts`). Throws as `push` does. */
  pushBytes(bytes: string, name: string): void
  /** Takes events that are like earlier ones where they stand in a body, instead of `pushBytes`. Throws as `push` does. */
  readonly skim?: Skim
  summary(): Summary
  /**
   * The answer as JSON text. The fold must not be used afterwards.
   * @throws ProxyError `upstream_truncated` when the stream ended too early
   */
  finish(): string
}

/** One of OpenAI's APIs: how to ask it for a stream, fold that, and render a plain answer as events. */
export interface Api {
  readonly route: ApiRoute
  /** Whether the API has `stream_options.include_usage`. */
  readonly hasUsageOption: boolean
  /** Whether a stream ends with an event that holds the whole answer: without it `[DONE]` makes nothing whole. */
  readonly hasLastEvent?: boolean
  /** The list that every plain answer has; where it is missing, the JSON is something else. */
  readonly answerIn?: 'choices' | 'output'
  newFold?(maxAnswerBytes: number): Fold
  /** The answer as the body of an event stream, for a client that asked for one. */
  render?(answer: JsonObject, options: { includeUsage: boolean }): string
}

/** The data line that ends chat and completion streams; some send it for Responses too. */
const DONE = '[DONE]'

/** The same as careless servers write it: in small letters, behind more than one space, or as a JSON string. */
const likeDone = /^\s*"?\[done\]/i

/** Whether an event's data says that the stream is complete. What stands behind the mark is not looked at. */
export function isDone(data: string): boolean {
  if (data.charCodeAt(0) === 0x7b) return false
  return data.startsWith(DONE) || likeDone.test(data)
}
