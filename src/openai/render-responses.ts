import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { piecesOf } from './pieces.ts'

/**
 * Renders a plain response as the events that it would have been.
 * https://platform.openai.com/docs/api-reference/responses-streaming
 */
export function renderResponse(response: JsonObject): string {
  const begun: JsonObject = { ...response, status: 'in_progress', output: [], usage: null }
  const output = own(response, 'output')
  const items = Array.isArray(output) ? output.filter(isObject) : []
  const events: JsonObject[] = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...items.flatMap(eventsOfItem),
    { type: terminalTypeOf(response), response },
  ]
  return events.map(write).join('')
}

function write({ type, ...event }: JsonObject, sequence: number): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence, ...event })}\n\n`
}

function terminalTypeOf(response: JsonObject): string {
  const status = own(response, 'status')
  return status === 'incomplete' || status === 'failed' || status === 'cancelled'
    ? `response.${status}`
    : 'response.completed'
}

function eventsOfItem(item: JsonObject, index: number): JsonObject[] {
  return [
    { type: 'response.output_item.added', output_index: index, item: beginningOf(item) },
    ...middleOf(item, { item_id: own(item, 'id') ?? null, output_index: index }),
    { type: 'response.output_item.done', output_index: index, item },
  ]
}

/** The item as it is when nothing of it has been generated yet. */
function beginningOf(item: JsonObject): JsonObject {
  const begun: JsonObject = { ...item, ...(own(item, 'status') === undefined ? {} : { status: 'in_progress' }) }
  if (own(item, 'type') === 'message') begun.content = []
  if (own(item, 'type') === 'function_call') begun.arguments = ''
  if (own(item, 'type') === 'custom_tool_call') begun.input = ''
  return begun
}

function middleOf(item: JsonObject, at: JsonObject): JsonObject[] {
  switch (own(item, 'type')) {
    case 'message': {
      const content = own(item, 'content')
      return Array.isArray(content)
        ? content.filter(isObject).flatMap((part, index) => eventsOfPart(part, { ...at, content_index: index }))
        : []
    }
    case 'function_call':
      return eventsOfText('response.function_call_arguments', 'arguments', own(item, 'arguments'), at)
    case 'custom_tool_call':
      return eventsOfText('response.custom_tool_call_input', 'input', own(item, 'input'), at)
    default:
      return []
  }
}

function eventsOfPart(part: JsonObject, at: JsonObject): JsonObject[] {
  const refusal = own(part, 'type') === 'refusal'
  const member = refusal ? 'refusal' : 'text'
  const inner = isText(own(part, member))
    ? eventsOfText(
        refusal ? 'response.refusal' : 'response.output_text',
        member,
        own(part, member),
        at,
        refusal ? {} : { logprobs: [] },
      )
    : []
  const begun = {
    ...part,
    ...(typeof own(part, member) === 'string' ? { [member]: '' } : {}),
    ...(refusal ? {} : { annotations: [] }),
  }
  return [
    { type: 'response.content_part.added', ...at, part: begun },
    ...inner,
    ...annotationsOf(part, at),
    { type: 'response.content_part.done', ...at, part },
  ]
}

function annotationsOf(part: JsonObject, at: JsonObject): JsonObject[] {
  const annotations = own(part, 'annotations')
  if (!Array.isArray(annotations)) return []
  return annotations.map((annotation, index) => ({
    type: 'response.output_text.annotation.added',
    ...at,
    annotation_index: index,
    annotation,
  }))
}

/** The deltas of one text and the event that repeats it whole. */
function eventsOfText(
  type: string,
  member: string,
  text: Json | undefined,
  at: JsonObject,
  extra: JsonObject = {},
): JsonObject[] {
  const whole = typeof text === 'string' ? text : ''
  return [
    ...piecesOf(whole).map((delta) => ({ type: `${type}.delta`, ...at, delta, ...extra })),
    { type: `${type}.done`, ...at, [member]: whole, ...extra },
  ]
}
