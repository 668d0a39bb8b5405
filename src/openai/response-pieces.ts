/** The lists of an item that its parts stand in. */
export type PartList = 'content' | 'summary'

/** Where a part stands in its list, by the name of the list. */
export const indexNames: Readonly<Record<PartList, string>> = { content: 'content_index', summary: 'summary_index' }

/** Where the text belongs that an event brings. */
export interface Growth {
  /** The type of the item. */
  readonly item: string
  /** Of an item that is made of parts: where they stand, and the type of this one. */
  readonly list?: PartList
  readonly part?: string
  /** The member that holds the text. */
  readonly member: string
}

/**
 * The events that bring a text in pieces (`.delta`) and then once more as a whole (`.done`)
 * (https://platform.openai.com/docs/api-reference/responses-streaming).
 */
const growths: Readonly<Record<string, Growth>> = {
  'response.output_text': { item: 'message', list: 'content', part: 'output_text', member: 'text' },
  'response.refusal': { item: 'message', list: 'content', part: 'refusal', member: 'refusal' },
  'response.reasoning_text': { item: 'reasoning', list: 'content', part: 'reasoning_text', member: 'text' },
  'response.reasoning_summary_text': { item: 'reasoning', list: 'summary', part: 'summary_text', member: 'text' },
  'response.function_call_arguments': { item: 'function_call', member: 'arguments' },
  'response.custom_tool_call_input': { item: 'custom_tool_call', member: 'input' },
  'response.mcp_call_arguments': { item: 'mcp_call', member: 'arguments' },
  'response.code_interpreter_call_code': { item: 'code_interpreter_call', member: 'code' },
}

const byDelta = new Map(Object.entries(growths).map(([name, growth]) => [`${name}.delta`, growth]))
const byDone = new Map(Object.entries(growths).map(([name, growth]) => [`${name}.done`, growth]))

/** What grows by the event of this type; undefined where it brings no piece of a text. */
export function deltaOf(type: string): Growth | undefined {
  return byDelta.get(type)
}

/** What the event of this type brings once more as a whole. */
export function wholeOf(type: string): Growth | undefined {
  return byDone.get(type)
}

/** The list whose part the event of this type begins or ends. */
export function partListOf(type: string): PartList | undefined {
  if (type === 'response.content_part.added' || type === 'response.content_part.done') return 'content'
  if (type === 'response.reasoning_summary_part.added' || type === 'response.reasoning_summary_part.done')
    return 'summary'
  return undefined
}
