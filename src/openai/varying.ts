import { isPieceOf, labels } from '../fold/grow.ts'
import { isObject, type Json, type JsonObject, own } from '../fold/record.ts'

/** The one string by which a chunk differs from its like. */
export interface Varying {
  /** The choice that it belongs to. */
  readonly index: number
  /** An element of `choices` that brings nothing but this string; for the fold to merge, again and again. */
  readonly piece: JsonObject
  /** Where the string stands in `piece`. */
  readonly holder: JsonObject
  readonly key: string
  /** Whether several in a row come to the same as one with all their texts: not where a call may end between two. */
  readonly joins: boolean
}

/**
 * The string that a chunk brings, if it brings one and nothing else that would change the answer when it came again:
 * a delta's text of any kind, the arguments of a tool call, or the legacy API's text.
 */
export function varyingOf(chunk: JsonObject): Varying | undefined {
  const choices = own(chunk, 'choices')
  const choice = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined
  if (!isObject(choice)) return undefined
  const index = own(choice, 'index') ?? 0
  const delta = own(choice, 'delta')
  const beside = Object.keys(choice).filter((key) => !isIdleBeside(key, choice[key] as Json))
  if (typeof index !== 'number') return undefined
  if (isObject(delta)) return beside.length === 0 ? ofDelta(delta, index) : undefined
  const [key] = beside
  // The last one holds, and whoever only watches wants to know it.
  if (key === 'finish_reason') return undefined
  return key !== undefined && beside.length === 1 ? ofText(choice, key, index, (piece) => piece) : undefined
}

/** Whether a member of a choice changes nothing the second time, so that only what is left has to be looked at. */
function isIdleBeside(key: string, value: Json): boolean {
  if (key === 'index' || (key === 'delta' && isObject(value))) return true
  // Its lists are appended, and a whole message counts anew; other objects beside the delta are verdicts that are repeated.
  if (key === 'logprobs' || key === 'message') return value === null
  return isObject(value) || isIdle(key, value)
}

function isIdle(key: string, value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0
  // Whatever else stands there is a piece of the text, be it a number.
  if (isPieceOf(key, value)) return false
  if (isObject(value)) return Object.keys(value).length === 0
  return typeof value !== 'string' || value === '' || labels.has(key)
}

function ofDelta(delta: JsonObject, index: number): Varying | undefined {
  const busy = Object.keys(delta).filter((key) => !isIdle(key, delta[key] as Json))
  if (busy.length > 1) return undefined
  const [key] = busy
  if (key === 'tool_calls') return ofCall(delta, index)
  return key === undefined ? undefined : ofText(delta, key, index, (piece) => ({ delta: piece }))
}

function ofText(
  from: JsonObject,
  key: string,
  index: number,
  toPiece: (holder: JsonObject) => JsonObject,
): Varying | undefined {
  const text = own(from, key)
  if (typeof text !== 'string' || key === '__proto__') return undefined
  const holder = { [key]: text }
  return { index, piece: toPiece(holder), holder, key, joins: true }
}

/** One fragment, all of whose members are plain: nothing that the draft could come to share with the template. */
function ofCall(delta: JsonObject, index: number): Varying | undefined {
  const fragments = own(delta, 'tool_calls')
  const fragment = Array.isArray(fragments) && fragments.length === 1 ? fragments[0] : undefined
  if (!isObject(fragment)) return undefined
  const bodyKey = isObject(own(fragment, 'custom')) ? 'custom' : 'function'
  const body = own(fragment, bodyKey)
  if (!isObject(body) || !Object.values(body).every(isPlain)) return undefined
  if (!Object.keys(fragment).every((key) => key === bodyKey || isPlain(fragment[key] as Json))) return undefined
  const key = bodyKey === 'custom' ? 'input' : 'arguments'
  const holder = { ...body }
  const piece = { delta: { tool_calls: [{ ...fragment, [bodyKey]: holder }] } }
  return typeof own(holder, key) === 'string' ? { index, piece, holder, key, joins: false } : undefined
}

function isPlain(value: Json): boolean {
  return typeof value !== 'object' || value === null
}
