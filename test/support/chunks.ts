/** Bodies of streamed answers, as short as a test can say them. */

type Fields = Record<string, unknown>

export interface ChunkOptions {
  /** The choice that the delta belongs to. */
  index?: number
  finish?: string | null
  logprobs?: unknown
  /** Further top-level members; `undefined` takes a default one out. */
  with?: Fields
}

const identity = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gpt-test' }

/** One chat chunk with one choice. */
export function chunk(delta: Fields, options: ChunkOptions = {}): Fields {
  const choice = {
    index: options.index ?? 0,
    delta,
    ...(options.logprobs === undefined ? {} : { logprobs: options.logprobs }),
    finish_reason: options.finish ?? null,
  }
  return { ...identity, choices: [choice], ...options.with }
}

/** The chunk that `stream_options.include_usage` asks for: no choices, only the counts. */
export function usageChunk(input = 3, output = 2, rest: Fields = {}): Fields {
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  return { ...identity, choices: [], usage, ...rest }
}

/** The chunks of a whole answer: role, each piece, finish. */
export function saying(...pieces: string[]): Fields[] {
  return [
    chunk({ role: 'assistant', content: '' }),
    ...pieces.map((content) => chunk({ content })),
    chunk({}, { finish: 'stop' }),
  ]
}

/** The answer that a non-streaming endpoint gives for {@link saying}. */
export function said(text: string, rest: Fields = {}): Fields {
  const message = { role: 'assistant', content: text, refusal: null }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
  return { ...identity, object: 'chat.completion', choices, ...rest }
}

export interface BodyOptions {
  /** Close with `data: [DONE]`. */
  done?: boolean
  /** Write `event: TYPE` above the data of events that have a `type`, as the Responses API does. */
  named?: boolean
  eol?: '\n' | '\r\n' | '\r'
}

/** One event: objects as JSON, strings as they are. */
export function sseEvent(data: Fields | string, options: BodyOptions = {}): string {
  const eol = options.eol ?? '\n'
  const name = options.named && typeof data === 'object' && typeof data.type === 'string' ? data.type : undefined
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return `${name === undefined ? '' : `event: ${name}${eol}`}data: ${text}${eol}${eol}`
}

/** A stream's body. */
export function sseBody(events: readonly (Fields | string)[], options: BodyOptions = {}): string {
  const all = options.done ? [...events, '[DONE]'] : events
  return all.map((event) => sseEvent(event, options)).join('')
}
