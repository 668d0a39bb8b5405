import { assertIndex, type CallDraft, type ChoiceDraft, type Meter } from './draft.ts'
import { grow, growObject } from './grow.ts'
import { isObject, isText, type Json, type JsonObject, own, put } from './record.ts'

/**
 * Merges the `tool_calls` of one delta. OpenAI numbers the calls and gives the id once; providers leave out the index
 * (Gemini, Ollama, Mistral), reuse one for the next call (Groq), or repeat an empty id (Alibaba).
 */
export function mergeCalls(choice: ChoiceDraft, fragments: Json[], meter: Meter): void {
  fragments.forEach((fragment, position) => {
    if (!isObject(fragment)) return
    const call = findCall(choice.calls, fragment, position) ?? beginCall(choice.calls, fragment, position)
    mergeCall(call, fragment, meter)
  })
}

function slotOf(fragment: JsonObject, position: number): number {
  const index = own(fragment, 'index')
  return typeof index === 'number' ? index : position
}

/** The call that the fragment goes on with, or undefined when it begins a new one. */
function findCall(calls: CallDraft[], fragment: JsonObject, position: number): JsonObject | undefined {
  const slot = slotOf(fragment, position)
  const id = own(fragment, 'id')
  const open = calls.findLast((draft) => draft.slot === slot)?.call
  if (!open) return undefined
  if (isText(id)) {
    if (!isText(own(open, 'id'))) return open
    return calls.find((draft) => draft.slot === slot && own(draft.call, 'id') === id)?.call
  }
  return beginsAnew(open, fragment) ? undefined : open
}

/** Without index and id, only a name tells that a whole new call has come. */
function beginsAnew(open: JsonObject, fragment: JsonObject): boolean {
  return own(fragment, 'index') === undefined && isText(nameOf(fragment)) && isText(nameOf(open))
}

function nameOf(call: JsonObject): Json | undefined {
  const body = own(call, 'function') ?? own(call, 'custom')
  return isObject(body) ? own(body, 'name') : undefined
}

/** A call on a slot that is taken ranks behind all others, one on a free slot where its index says. */
function beginCall(calls: CallDraft[], fragment: JsonObject, position: number): JsonObject {
  const slot = slotOf(fragment, position)
  assertIndex(slot)
  assertIndex(calls.length)
  const taken = calls.some((draft) => draft.slot === slot)
  const rank = taken ? Math.max(...calls.map((draft) => draft.rank)) + 1 : slot
  const call: JsonObject = {}
  calls.push({ slot, rank, call })
  return call
}

function mergeCall(call: JsonObject, fragment: JsonObject, meter: Meter): void {
  for (const key of Object.keys(fragment)) {
    const piece = fragment[key] as Json
    if (key === 'index') continue
    if ((key === 'function' || key === 'custom') && isObject(piece)) {
      const known = own(call, key)
      put(call, key, mergeFunction(isObject(known) ? known : {}, piece, meter))
    } else if (piece !== null) {
      put(call, key, grow(own(call, key), piece, key, meter))
    }
  }
}

/** Merges a function (`name`, `arguments`) or a custom tool's call (`name`, `input`), also the legacy `function_call`. */
export function mergeFunction(body: JsonObject, piece: JsonObject, meter: Meter): JsonObject {
  const { arguments: pieceOfArguments, ...rest } = piece
  growObject(body, withoutNulls(rest), meter)
  if (pieceOfArguments === undefined || pieceOfArguments === null) return body
  // Ollama and some Gemini gateways send the arguments as an object; OpenAI's clients expect the JSON text of it.
  const text = typeof pieceOfArguments === 'string' ? pieceOfArguments : JSON.stringify(pieceOfArguments)
  body.arguments = grow(own(body, 'arguments'), text, 'arguments', meter)
  return body
}

function withoutNulls(object: JsonObject): JsonObject {
  return Object.values(object).includes(null)
    ? Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
    : object
}

/** The finished calls in their order, without the index that only a stream has. */
export function finishCalls(calls: readonly CallDraft[]): JsonObject[] {
  return [...calls].sort((one, other) => one.rank - other.rank).map(({ call }) => finishCall(call))
}

/** OpenAI's answer always names the type and has the arguments as a string; whole calls of Mistral and Gemini lack them. */
function finishCall(call: JsonObject): JsonObject {
  const custom = own(call, 'custom')
  const body = own(call, 'function')
  if (!isText(own(call, 'type'))) call.type = custom !== undefined && body === undefined ? 'custom' : 'function'
  if (isObject(body)) body.arguments ??= ''
  if (isObject(custom)) custom.input ??= ''
  return call
}
