import { anything, boolean, byKind, either, has, listOf, members, object, string, when } from './build.ts'
import { roles } from './messages.ts'

const part = byKind('type', members({ type: string }), {
  input_text: members({ text: string }),
  output_text: members({ text: string }),
  input_image: members({}, { image_url: string, file_id: string, detail: string }),
  input_file: members({}, { file_data: string, file_id: string, file_url: string, filename: string, detail: string }),
  input_audio: members({ input_audio: object }),
  refusal: members({ refusal: string }),
})

const content = either(string, listOf(part))
const call = members({ call_id: string, name: string, arguments: string }, { id: string, status: string })
const output = members({ output: content }, { id: string, call_id: string, status: string })

// `type` is optional for a message and for a reference to an item, which has only an id.
const untyped = when(has('role'), members({ role: roles, content }), members({ id: string }))

/**
 * One entry of Responses' `input`: https://platform.openai.com/docs/api-reference/responses/create.
 * Only what a client writes itself is looked at closely. Other items are an earlier answer's output sent back, which
 * has more kinds with every model.
 */
export const item = byKind(
  'type',
  {
    ...members({}, { type: string }),
    allOf: [when(has('type', string), anything, untyped)],
  },
  {
    message: members({ role: roles, content }),
    item_reference: members({ id: string }),
    function_call: call,
    function_call_output: output,
    custom_tool_call: members({ call_id: string, name: string, input: string }),
    custom_tool_call_output: { allOf: [output, members({ call_id: string })] },
    computer_call_output: members({ call_id: string, output: object }),
    local_shell_call_output: members({ output: string }),
    mcp_approval_response: members({ approval_request_id: string, approve: boolean }),
  },
)
