import fc from 'fast-check'
import type { JsonObject } from '../../src/fold/record.ts'

export const identity = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm' }
export const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }

/** Long enough to be cut: fast-check's own sizes end far before a first piece does. */
const text = fc.string({ unit: 'binary', maxLength: 400, size: 'max' })
const entry = fc.record({
  token: text,
  logprob: fc.double({ max: 0, noNaN: true, noDefaultInfinity: true }),
  bytes: fc.constant(null),
})
const call = fc.oneof(
  fc.record({
    id: fc.string({ minLength: 1 }),
    type: fc.constant('function'),
    function: fc.record({ name: fc.constant('f'), arguments: text }),
  }),
  fc.record({
    id: fc.string({ minLength: 1 }),
    type: fc.constant('custom'),
    custom: fc.record({ name: fc.constant('c'), input: text }),
  }),
)
const common = {
  role: fc.constant('assistant'),
  content: fc.option(text),
  refusal: fc.option(fc.string({ minLength: 1 })),
}

const required: (keyof typeof common)[] = ['role', 'content', 'refusal']

/** Beside a function call, OpenAI's client drops what it does not know, so that there is nothing else here. */
const message = fc.oneof(
  fc.record({ ...common, function_call: fc.record({ name: fc.constant('f'), arguments: text }) }),
  fc.record(
    {
      ...common,
      reasoning_content: text,
      tool_calls: fc.array(call, { minLength: 1, maxLength: 3 }),
      audio: fc.record({ id: fc.constant('a'), data: fc.base64String(), transcript: text, expires_at: fc.nat() }),
      annotations: fc.array(fc.record({ type: fc.constant('url_citation'), url_citation: fc.record({ url: text }) })),
    },
    { requiredKeys: required },
  ),
)

const choice = fc
  .record({
    message,
    logprobs: fc.option(
      fc.record({ content: fc.option(fc.array(entry, { maxLength: 5 })), refusal: fc.constant(null) }),
    ),
    finish_reason: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
  })
  .chain((made) => fc.boolean().map((spelled) => (spelled ? withSpelledTokens(made) : made)))
/** Answers of the chat API, with all that OpenAI's client can gather from a stream. */
export const answers: fc.Arbitrary<JsonObject> = fc
  .record({ choices: fc.array(choice, { minLength: 1, maxLength: 3 }), usage: fc.constant(usage) })
  .map(({ choices: made, ...rest }) => ({
    ...identity,
    choices: made.map((one, index) => ({ index, ...one })),
    ...rest,
  }))
  .map((value): JsonObject => JSON.parse(JSON.stringify(value)))

/** Replaces the entries with such as spell the content, in tokens of three characters. */
function withSpelledTokens<C extends { message: { content: string | null }; logprobs: object | null }>(made: C): C {
  const tokens = made.message.content?.match(/.{1,3}/gsu) ?? []
  const content = tokens.map((token, at) => ({ token, logprob: -at, bytes: null }))
  return made.logprobs && tokens.length > 0 ? { ...made, logprobs: { ...made.logprobs, content } } : made
}
