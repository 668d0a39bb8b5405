import { basics, type Malformed, raw } from './shape.ts'

type Body = Readonly<Record<string, unknown>>
type Wrong = Readonly<Record<string, readonly unknown[]>>

const hello = [{ role: 'user', content: 'hello' }]
const says = (content: unknown) => [{ role: 'user', content }]
const calls = (call: unknown) => [{ role: 'assistant', tool_calls: call }]

const noText = [5, true, [], {}]
const noNumber = ['1', true, [], {}]
const noInteger = [...noNumber, 1.5]
const noFlag = ['yes', 1, [], {}]
const noObject = ['x', 5, true, []]

const sampling: Wrong = {
  temperature: [...noNumber, -0.1, 2.1, 1e308],
  top_p: [...noNumber, -0.1, 1.1],
  n: [...noInteger, 0, -1, 129],
  presence_penalty: [...noNumber, -2.1, 2.1],
  frequency_penalty: [...noNumber, -2.1, 2.1],
  max_tokens: noInteger,
  seed: noInteger,
  stop: [5, true, {}, [5], [null]],
  logit_bias: ['x', 5, true, { 1: 'x' }, { 1: 101 }, { 1: -101 }, { 1: [] }],
  stream: noFlag,
  stream_options: [...noObject, { include_usage: 1 }, { include_obfuscation: 'x' }],
  user: noText,
}

const chat: Wrong = {
  ...sampling,
  model: [...noText, '', null],
  messages: [
    ...['x', 5, true, {}, null, [], [null], [5], ['x'], [[]], [{}]],
    ...[[{ role: 'user' }], [{ content: 'x' }], [{ role: 5, content: 'x' }], [{ role: 'wizard', content: 'x' }]],
    ...[says(5), says(null), says({}), says(true), says([5]), says([{}]), says([{ type: 5 }])],
    ...[says([{ type: 'text' }]), says([{ type: 'text', text: 5 }]), says([{ type: 'image_url' }])],
    ...[says([{ type: 'image_url', image_url: { url: 5 } }]), says([{ type: 'input_audio', input_audio: {} }])],
    ...[calls({}), calls([5]), calls([{ type: 'function' }]), calls([{ type: 'function', function: {} }])],
    ...[[{ role: 'tool', content: 'x' }], [{ role: 'function', content: 'x' }], [...hello, null]],
  ],
  max_completion_tokens: noInteger,
  logprobs: ['yes', [], {}],
  top_logprobs: [...noInteger, -1, 21],
  tools: ['x', {}, [5], [null], [{}], [{ type: 'function' }], [{ type: 'function', function: { name: 5 } }]],
  tool_choice: [5, true, [], {}, { type: 5 }, { type: 'function' }, { type: 'allowed_tools' }],
  parallel_tool_calls: noFlag,
  functions: ['x', {}, [5], [{}]],
  function_call: [5, true, [], {}],
  response_format: [...noObject, {}, { type: 5 }, { type: 'json_schema' }],
  modalities: ['audio', {}, [5]],
  audio: noObject,
  prediction: [...noObject, {}],
  reasoning_effort: [[], {}],
  verbosity: noText,
  service_tier: noText,
  metadata: noObject,
  store: noFlag,
  prompt_cache_key: noText,
  safety_identifier: noText,
  web_search_options: noObject,
}

const completions: Wrong = {
  temperature: ['hot'],
  max_tokens: ['5'],
  model: [...noText, '', null],
  prompt: [5, true, {}, [true], [{}], [[true]]],
  best_of: noInteger,
  echo: noFlag,
  logprobs: ['x', [], {}, -1, 6],
  suffix: noText,
}

const responses: Wrong = {
  model: [...noText, ''],
  input: [
    ...[5, true, {}, [5], [null], [{}], [{ role: 'user' }], [{ role: 'wizard', content: 'x' }]],
    ...[[{ role: 'user', content: [{ type: 'input_text' }] }], [{ type: 'function_call', name: 'f' }]],
    ...[[{ type: 'function_call_output', call_id: 'c' }], [{ type: 'item_reference' }]],
  ],
  instructions: noText,
  max_output_tokens: noInteger,
  max_tool_calls: noInteger,
  temperature: [...noNumber, 3],
  top_p: [...noNumber, 2],
  stream: noFlag,
  tools: ['x', {}, [{}], [{ type: 'function' }], [{ type: 'file_search' }]],
  tool_choice: [5, [], {}, { type: 'function' }],
  text: [...noObject, { format: 'json' }, { format: { type: 'json_schema' } }],
  reasoning: [...noObject, { effort: 5 }],
  include: ['all', {}, [5]],
  background: noFlag,
  previous_response_id: noText,
  truncation: noText,
}

const embeddings: Wrong = {
  model: [...noText, '', null],
  input: [5, true, {}, null, [], [true], [null], [[true]], [['x']]],
  dimensions: [...noInteger, 0, -1],
  encoding_format: noText,
  user: noText,
}

/** A request for each value that a member may not have; `1e308` and the like are text that JSON can hold. */
function wrong(path: string, base: Body, members: Wrong): Malformed[] {
  return Object.entries(members).flatMap(([param, values]) =>
    values.map((value): Malformed => {
      const body = JSON.stringify({ ...base, [param]: value })
      const lines = [...basics, `content-length: ${Buffer.byteLength(body)}`]
      const bytes = raw(`POST ${path} HTTP/1.1`, lines, body)
      return { name: `${param}: ${JSON.stringify(value)}`, bytes, replies: ['invalid_request'], param }
    }),
  )
}

export const members = {
  'a member of a chat that has another type': wrong('/v1/chat/completions', { model: 'm', messages: hello }, chat),
  'a member of a completion that has another type': wrong(
    '/v1/completions',
    { model: 'm', prompt: 'once' },
    completions,
  ),
  'a member of a response that has another type': wrong('/v1/responses', { model: 'm', input: 'once' }, responses),
  'a member of an embedding that has another type': wrong('/v1/embeddings', { model: 'm', input: 'once' }, embeddings),
}
