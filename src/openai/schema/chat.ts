import {
  anything,
  boolean,
  byKind,
  either,
  filled,
  has,
  integer,
  integerFrom,
  list,
  listOf,
  members,
  object,
  string,
  when,
} from './build.ts'
import { content, message } from './messages.ts'
import { sampling, shared, tokenCap } from './sampling.ts'

const described = members({ name: string }, { description: string, parameters: object, strict: boolean })

// Providers have tools without a type, such as Gemini's `{ googleSearch: {} }`; one that carries what belongs
// to OpenAI's own kinds, or nothing at all, is a slip.
const untyped = when({ anyOf: [has('function'), has('custom'), { maxProperties: 0 }] }, has('type'))

const tool = byKind(
  'type',
  { ...members({}, { type: string }), allOf: [untyped] },
  {
    function: members({ function: described }),
    custom: members({ custom: members({ name: string }, { description: string, format: object }) }),
  },
)

const choice = byKind('type', members({ type: string }), {
  function: members({ function: members({ name: string }) }),
  custom: members({ custom: members({ name: string }) }),
  allowed_tools: members({ allowed_tools: members({ mode: string, tools: list }) }),
})

const schemaConfig = members({}, { name: string, description: string, schema: object, strict: boolean })

// Together puts the schema beside the type, where OpenAI has `json_schema`.
const format = byKind('type', members({ type: string }), {
  json_schema: when(has('schema'), anything, members({ json_schema: schemaConfig })),
})

/** `POST /v1/chat/completions`: https://platform.openai.com/docs/api-reference/chat/create */
export const chatRequest = members(
  { model: filled, messages: { type: 'array', minItems: 1, items: message } },
  {
    ...sampling,
    ...shared,
    max_completion_tokens: tokenCap,
    // Together and Fireworks take the number of alternatives here.
    logprobs: either(boolean, integerFrom(0)),
    tools: listOf(tool),
    tool_choice: either(string, choice),
    functions: listOf(described),
    function_call: either(string, members({ name: string })),
    response_format: format,
    modalities: listOf(string),
    audio: members({}, { format: string, voice: either(string, members({ id: string })) }),
    prediction: members({ type: string, content }),
    // Fireworks takes a number of tokens, or on and off.
    reasoning_effort: either(string, integer, boolean),
    verbosity: string,
    web_search_options: members({}, { search_context_size: string, user_location: object }),
  },
)
