import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { event } from '../sse/write.ts'
import { cutAtTokens, cutText } from './render-pieces.ts'

/** An event of the Responses API before it has its number. */
type Event = JsonObject & { type: string }

/** Where something stands: the members that say so in each event about it. */
type Place = { item_id: string; output_index: number }

/**
 * Writes a response as the event stream that would have given it, for a client that asked for a stream while the
 * upstream gave JSON (https://platform.openai.com/docs/api-reference/responses-streaming). Messages, function calls
 * and custom tool calls come in pieces; items of other kinds, and those without an id, which no piece could name,
 * are added and done. The SDK's `responses.stream` takes no message without an id, not even if only the last event had it;
 * but one that is made up would come back in the next request's input, and the provider does not know it.
 */
export function renderResponse(answer: JsonObject): string {
  const output = own(answer, 'output')
  const begun = beforeItsEnd(answer)
  const events: Event[] = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...(Array.isArray(output) ? output.flatMap(renderItem) : []),
    { type: lastType(own(answer, 'status')), response: answer },
  ]
  return events.map(write).join('')
}

function write({ type, ...members }: Event, sequence: number): string {
  return `event: ${type}\n${event(JSON.stringify({ type, sequence_number: sequence, ...members }))}`
}

/** The API has no event for a response that was cancelled; it ends as one that is not complete. */
function lastType(status: Json | undefined): string {
  if (status === 'failed') return 'response.failed'
  return status === 'incomplete' || status === 'cancelled' ? 'response.incomplete' : 'response.completed'
}

/** The response as it was before anything had come. */
function beforeItsEnd(answer: JsonObject): JsonObject {
  const unknown = ['usage', 'incomplete_details', 'completed_at'].filter((name) => Object.hasOwn(answer, name))
  return { ...answer, ...Object.fromEntries(unknown.map((name) => [name, null])), status: 'in_progress', output: [] }
}

function renderItem(item: Json, index: number): Event[] {
  if (!isObject(item)) return []
  const id = own(item, 'id')
  const { begun, events } = isText(id) ? renderKnown(item, { item_id: id, output_index: index }) : whole(item)
  return [
    { type: 'response.output_item.added', output_index: index, item: begun },
    ...events,
    { type: 'response.output_item.done', output_index: index, item },
  ]
}

interface Rendered {
  /** The item as it is added, before its content. */
  begun: JsonObject
  events: Event[]
}

function whole(item: JsonObject): Rendered {
  return { begun: Object.hasOwn(item, 'status') ? { ...item, status: 'in_progress' } : item, events: [] }
}

function renderKnown(item: JsonObject, place: Place): Rendered {
  const { type, content, arguments: args, input } = item
  const begun = whole(item).begun
  if (type === 'message' && Array.isArray(content)) {
    const events = content.flatMap((part, at) => renderPart(part, { ...place, content_index: at }))
    return { begun: { ...begun, content: [] }, events }
  }
  if (type === 'function_call' && typeof args === 'string') {
    const name = own(item, 'name')
    const done = { ...(name === undefined ? {} : { name }), arguments: args }
    return {
      begun: { ...begun, arguments: '' },
      events: inPieces('response.function_call_arguments', place, args, done),
    }
  }
  if (type === 'custom_tool_call' && typeof input === 'string') {
    return {
      begun: { ...begun, input: '' },
      events: inPieces('response.custom_tool_call_input', place, input, { input }),
    }
  }
  return whole(item)
}

function inPieces(type: string, place: JsonObject, text: string, done: JsonObject): Event[] {
  return [
    ...cutText(text).map((delta) => ({ type: `${type}.delta`, ...place, delta })),
    { type: `${type}.done`, ...place, ...done },
  ]
}

function renderPart(part: Json, place: JsonObject): Event[] {
  if (!isObject(part)) return []
  const { begun, events } = renderContent(part, place)
  return [
    { type: 'response.content_part.added', ...place, part: begun },
    ...events,
    { type: 'response.content_part.done', ...place, part },
  ]
}

function renderContent(part: JsonObject, place: JsonObject): Rendered {
  const { type, text, refusal } = part
  if (type === 'output_text' && typeof text === 'string') return renderText(part, text, place)
  if (type !== 'refusal' || typeof refusal !== 'string') return { begun: part, events: [] }
  return { begun: { ...part, refusal: '' }, events: inPieces('response.refusal', place, refusal, { refusal }) }
}

function renderText(part: JsonObject, text: string, place: JsonObject): Rendered {
  const entries = listOf(part, 'logprobs')
  const annotations = listOf(part, 'annotations')
  const emptied = ['logprobs', 'annotations'].filter((name) => Array.isArray(own(part, name)))
  return {
    begun: { ...part, text: '', ...Object.fromEntries(emptied.map((name) => [name, []])) },
    events: [
      ...textDeltas(text, entries, place),
      ...annotations.map((annotation, at) => ({
        type: 'response.output_text.annotation.added',
        ...place,
        annotation_index: at,
        annotation,
      })),
      { type: 'response.output_text.done', ...place, text, logprobs: entries },
    ],
  }
}

function textDeltas(text: string, entries: Json[], place: JsonObject): Event[] {
  const pieces =
    entries.length > 0 ? cutAtTokens(text, entries) : cutText(text).map((piece) => ({ text: piece, from: 0, to: 0 }))
  return pieces.map((piece) => ({
    type: 'response.output_text.delta',
    ...place,
    delta: piece.text,
    logprobs: entries.slice(piece.from, piece.to),
  }))
}

function listOf(object: JsonObject, name: string): Json[] {
  const value = own(object, name)
  return Array.isArray(value) ? value : []
}
