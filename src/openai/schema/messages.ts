import { anything, byKind, either, filled, has, listOf, members, object, type Schema, string, when } from './build.ts'

/**
 * Roles that a message may have. A closed list, unlike other names, because a wrong role is the commonest slip
 * and hardly a provider answers it usefully. After OpenAI's six come those of MiniMax's OpenAI-compatible API
 * (https://platform.minimax.io/docs/api-reference/text-chat).
 */
const listed: Schema = {
  type: 'string',
  enum: [
    ...['system', 'developer', 'user', 'assistant', 'tool', 'function'],
    ...['user_system', 'group', 'sample_message_user', 'sample_message_ai'],
  ],
}

// IBM's Granite is told by `control` to think or to cite, and is given documents by `document NAME`: its chat template
// reads them, wherever it is run (https://ollama.com/library/granite3.2).
const granite: Schema = { type: 'string', pattern: '^(?:control|document)(?: |$)' }

// A fault is told by the first, which is also the only one that nearly every message is held against.
export const roles: Schema = { anyOf: [listed, granite] }

// Mistral takes the address, or the sound, as a plain string where OpenAI has an object.
// vLLM takes null for what it has cached under the part's `uuid`.
const imageUrl = either(string, members({ url: string }, { detail: string }), { type: 'null' })
const inputAudio = either(string, members({ data: string }, { format: string }), { type: 'null' })

const part = byKind('type', members({ type: string }), {
  text: members({ text: string }),
  image_url: members({ image_url: imageUrl }),
  input_audio: members({ input_audio: inputAudio }),
  file: members({ file: members({}, { file_data: string, file_id: string, filename: string }) }),
  refusal: members({ refusal: string }),
})

/** Message content that is text or parts. */
export const content = either(string, listOf(part))

// Mistral and Ollama take a call's arguments as an object. Neither `id` nor `type` is asked for: some providers
// leave them out of their answers, and a client sends back what it got.
const call = byKind('type', members({}, { id: string, type: string, function: object, custom: object }), {
  function: members({ function: members({ name: string }, { arguments: either(string, object) }) }),
  custom: members({ custom: members({ name: string }, { input: string }) }),
})

const written = members({ content: either(string, listOf(object)) })

// A MiniMax system message may introduce a speaker by name alone.
const writtenOrNamed = when(has('name'), anything, written)

/** One entry of `messages`. */
export const message = byKind(
  'role',
  members(
    { role: roles },
    {
      content,
      name: string,
      tool_calls: listOf(call),
      function_call: members({ name: string }, { arguments: either(string, object) }),
      refusal: string,
      audio: members({}, { id: string }),
    },
  ),
  {
    system: writtenOrNamed,
    developer: written,
    user: written,
    // An assistant's message needs nothing: its answer may be calls, audio or a refusal, and the SDK allows none.
    tool: { allOf: [written, members({ tool_call_id: string })] },
    function: members({ content: anything, name: filled }),
  },
)
