import {
  boolean,
  byKind,
  either,
  filled,
  integer,
  integerFrom,
  list,
  listOf,
  members,
  numberFrom,
  object,
  type Schema,
  string,
} from './build.ts'
import { item } from './items.ts'
import { shared, tokenCap } from './sampling.ts'

// OpenAI's own kinds say their name here, not in a `function` member as chat completions do.
const tool = byKind('type', members({ type: string }), {
  function: members({ name: string }, { description: string, parameters: object, strict: boolean }),
  custom: members({ name: string }, { description: string, format: object }),
  file_search: members({ vector_store_ids: listOf(string) }),
  // xAI does not ask for a label.
  mcp: members({}, { server_label: string, server_url: string, headers: object }),
  code_interpreter: members({}, { container: either(string, object) }),
})

const choice = byKind('type', members({ type: string }), {
  function: members({ name: string }),
  custom: members({ name: string }),
  mcp: members({}, { server_label: string }),
  allowed_tools: members({ mode: string, tools: list }),
})

const format = byKind('type', members({ type: string }), {
  json_schema: members({ schema: object }, { name: string, description: string, strict: boolean }),
})

/**
 * `POST /v1/responses`: https://platform.openai.com/docs/api-reference/responses/create.
 * Neither `model` nor `input` is required: a stored prompt, a conversation or an earlier response may bring them.
 */
export const responseRequest: Schema = members(
  {},
  {
    model: filled,
    input: either(string, listOf(item)),
    ...shared,
    instructions: string,
    access_programs: object,
    background: boolean,
    context_management: listOf(members({ type: string }, { compact_threshold: integer })),
    conversation: either(string, members({ id: string })),
    image: object,
    include: listOf(string),
    max_output_tokens: tokenCap,
    max_tool_calls: integerFrom(0),
    previous_response_id: string,
    prompt: members({ id: string }, { variables: object, version: string }),
    reasoning: members(
      {},
      { effort: string, summary: string, generate_summary: string, context: string, mode: string },
    ),
    stream: boolean,
    stream_options: members({}, { include_obfuscation: boolean }),
    temperature: numberFrom(0, 2),
    text: members({}, { format, verbosity: string }),
    tools: listOf(tool),
    tool_choice: either(string, choice),
    top_p: numberFrom(0, 1),
    truncation: string,
    user: string,
  },
)
