import { isObject, type Json, type JsonObject, own } from '../fold/record.ts'
import { renderChunks } from './render-chunks.ts'
import { cutAtTokens, cutText } from './render-pieces.ts'

/** What one chunk says of a choice. */
interface Step {
  delta: JsonObject
  logprobs?: Json
}

/**
 * Writes a chat completion as the event stream that would have given it, for a client that asked for a stream while
 * the upstream gave JSON (https://platform.openai.com/docs/api-reference/chat-streaming). Nothing is invented, and
 * what the API does not know goes along: message members in one delta, a choice's with its finish_reason.
 */
export function renderChat(answer: JsonObject, options: { includeUsage: boolean }): string {
  return renderChunks(answer, 'chat.completion.chunk', options.includeUsage, renderChoice)
}

function renderChoice(choice: JsonObject): JsonObject[] {
  const { index: _index, message: given, logprobs: probabilities, finish_reason: reason, ...others } = choice
  const message = isObject(given) ? given : {}
  const logprobs = isObject(probabilities) ? probabilities : null
  const steps = [
    openingStep(message, logprobs),
    ...otherSteps(message),
    ...contentSteps(message, logprobs),
    ...callSteps(message),
    ...functionSteps(message),
  ]
  return [
    ...steps.map((step) => ({ delta: step.delta, logprobs: step.logprobs ?? null, finish_reason: null })),
    { delta: {}, logprobs: null, finish_reason: reason ?? null, ...others },
  ]
}

/** Role first, also where the answer names none, beside the nulls, and all of the log probabilities that do not belong to a piece of content. */
function openingStep(message: JsonObject, logprobs: JsonObject | null): Step {
  const { role = 'assistant', content } = message
  const isSplit = logprobs !== null && entriesOf(message, logprobs).length > 0
  return {
    delta: {
      role,
      content: typeof content === 'string' ? '' : null,
      ...otherMembers(message, (value) => value === null),
    },
    logprobs: isSplit ? { ...logprobs, content: [] } : logprobs,
  }
}

function otherMembers(message: JsonObject, wanted: (value: Json) => boolean): JsonObject {
  const { role: _role, content: _content, tool_calls: _calls, function_call: _call, ...others } = message
  return Object.fromEntries(Object.entries(others).filter(([, value]) => wanted(value)))
}

/** Log probabilities that go with the content's pieces. */
function entriesOf(message: JsonObject, logprobs: JsonObject | null): Json[] {
  const entries = logprobs && typeof message.content === 'string' ? own(logprobs, 'content') : undefined
  return Array.isArray(entries) ? entries : []
}

/** Refusal, reasoning, audio, annotations and whatever else the message has, in one delta; reasoning precedes content. */
function otherSteps(message: JsonObject): Step[] {
  const delta = otherMembers(message, (value) => value !== null)
  return Object.keys(delta).length === 0 ? [] : [{ delta }]
}

function contentSteps(message: JsonObject, logprobs: JsonObject | null): Step[] {
  const { content } = message
  if (Array.isArray(content)) return [{ delta: { content } }]
  if (typeof content !== 'string') return []
  const entries = entriesOf(message, logprobs)
  if (entries.length === 0) return cutText(content).map((piece) => ({ delta: { content: piece } }))
  // A member that was null stays beside the entries, as OpenAI writes it: clients read `logprobs.refusal`.
  const refusal = logprobs && own(logprobs, 'refusal') !== undefined ? { refusal: null } : {}
  return cutAtTokens(content, entries).map(({ text, from, to }) => ({
    delta: { content: text },
    logprobs: from < to ? { content: entries.slice(from, to), ...refusal } : null,
  }))
}

function callSteps(message: JsonObject): Step[] {
  const calls = own(message, 'tool_calls')
  if (!Array.isArray(calls)) return []
  return calls
    .filter(isObject)
    .flatMap((call, index) => renderCall(call).map((piece) => ({ delta: { tool_calls: [{ ...piece, index }] } })))
}

/** A call: first all that names it, then its text in pieces. */
function renderCall(call: JsonObject): JsonObject[] {
  const { function: body, custom } = call
  if (isObject(body)) return inPieces(call, 'function', renderBody(body, 'arguments'))
  if (isObject(custom)) return inPieces(call, 'custom', renderBody(custom, 'input'))
  return [call]
}

/** Mistral's and Gemini's calls may lack their type; OpenAI's client refuses a stream in which one does. */
function inPieces(call: JsonObject, kind: 'function' | 'custom', [first, ...rest]: JsonObject[]): JsonObject[] {
  const type = own(call, 'type') || kind
  return [{ ...call, type, [kind]: first ?? {} }, ...rest.map((piece) => ({ [kind]: piece }))]
}

function renderBody(body: JsonObject, member: 'arguments' | 'input'): JsonObject[] {
  const value = own(body, member)
  // Ollama answers with the arguments as an object; in a stream they are text.
  const text = typeof value === 'string' ? value : isObject(value) ? JSON.stringify(value) : ''
  return [{ ...body, [member]: '' }, ...cutText(text).map((piece) => ({ [member]: piece }))]
}

/** The one call of the API before there were tools. */
function functionSteps(message: JsonObject): Step[] {
  const call = own(message, 'function_call')
  return isObject(call) ? renderBody(call, 'arguments').map((piece) => ({ delta: { function_call: piece } })) : []
}
