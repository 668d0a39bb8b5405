import { assertIndex, type CallDraft, type ChoiceDraft, indexOf, type Meter } from './draft.ts'
import { growMember } from './grow.ts'
import { isObject, isText, type Json, type JsonObject, own, put } from './record.ts'
import { weigh } from './weigh.ts'

/** What a piece of a call says of the call that it belongs to. */
interface Fragment {
  readonly index: number | undefined
  readonly position: number
  readonly id: string | undefined
  readonly name: string | undefined
  /** It brings arguments, or a custom tool's input, be they empty, but no name: it cannot be the beginning of a call. */
  readonly isTail: boolean
  /** The part of the arguments, or of the input, as text. */
  readonly text: string
}

/** Longer arguments are not looked at again for whether they are whole: each fragment of a hostile stream could ask for it. */
const MAX_PROVED = 16_384

const PLACEHOLDER = '{}'

/**
 * Merges the `tool_calls` of one delta. OpenAI numbers the calls and gives id and name once; providers leave out the
 * index (Gemini, Ollama, Mistral), reuse one for the next call (Groq), repeat an empty id (Alibaba), or send the one
 * fragment without a list around it (Hugging Face).
 */
export function mergeCalls(choice: ChoiceDraft, calls: Json, meter: Meter): void {
  const pieces = listOf(calls)
  for (const [position, piece] of pieces.entries()) {
    if (!isObject(piece)) continue
    const fragment = readFragment(piece, position)
    const alone = pieces.length === 1 ? choice.openCall : undefined
    const draft = findCall(choice.calls, fragment, alone) ?? beginCall(choice.calls, fragment)
    choice.openCall = draft
    dropPlaceholder(draft.call, fragment, meter)
    mergeCall(draft.call, repeats(draft.call, fragment) ? withoutBody(piece) : piece, meter)
  }
}

/** An empty object is no call, just as an empty list has none. */
function listOf(calls: Json): Json[] {
  if (Array.isArray(calls)) return calls
  return isObject(calls) && Object.keys(calls).length > 0 ? [calls] : []
}

function readFragment(piece: JsonObject, position: number): Fragment {
  const body = bodyOf(piece)
  const name = textOf(body && own(body, 'name'))
  const brings = body && (own(body, 'arguments') ?? own(body, 'input') ?? undefined)
  const isTail = name === undefined && brings !== undefined
  const text = asText(brings ?? '')
  return { position, index: indexOf(piece), id: textOf(own(piece, 'id')), name, isTail, text }
}

function textOf(value: Json | undefined): string | undefined {
  return isText(value) ? value : undefined
}

function bodyOf(call: JsonObject): JsonObject | undefined {
  const body = own(call, 'function') ?? own(call, 'custom')
  return isObject(body) ? body : undefined
}

function nameOf(call: JsonObject): string | undefined {
  const body = bodyOf(call)
  return textOf(body && own(body, 'name'))
}

function argumentsOf(call: JsonObject): Json | undefined {
  const body = bodyOf(call)
  return body && own(body, 'arguments')
}

function idOf({ call }: CallDraft): string | undefined {
  return textOf(own(call, 'id'))
}

/** The call that the fragment goes on with, or undefined when it begins a new one. */
function findCall(calls: CallDraft[], fragment: Fragment, alone: CallDraft | undefined): CallDraft | undefined {
  const { index, position, id, isTail } = fragment
  const slot = index ?? position
  const onSlot = calls.filter((draft) => draft.slot === slot)
  // By position, two deltas of one fragment each would both mean the first call, so the call that is open comes first.
  const open = index === undefined && alone ? alone : onSlot.at(-1)
  if (id === undefined) return open ? continuing(open, fragment) : tailOf(calls, fragment)
  const known = (index === undefined ? calls : onSlot).findLast((draft) => idOf(draft) === id)
  // Some give every call the same id, others send a call once more at its end.
  if (known) return isAnother(known, fragment) && !repeats(known.call, fragment) ? undefined : known
  // Some servers make up another id for every fragment; a call that begins has a name, or nothing yet.
  if (open) return idOf(open) === undefined || isTail ? continuing(open, fragment) : undefined
  return isTail ? calls.findLast((draft) => idOf(draft) === id) : undefined
}

/** The open call, unless the fragment is the beginning of another. */
function continuing(open: CallDraft, fragment: Fragment): CallDraft | undefined {
  const named = fragment.name !== undefined && nameOf(open.call) !== undefined
  // Some repeat the name with each fragment. Where there is no index either, it can only be the next call.
  if (named && fragment.index === undefined) return undefined
  return isAnother(open, fragment) ? undefined : open
}

/**
 * Whether a whole new call has come in the place of this one: the fragment names another function, or the same one with
 * new arguments. Gemini has sent whole calls that all had the index 0 and no id.
 */
function isAnother({ call }: CallDraft, { name, text }: Fragment): boolean {
  const known = nameOf(call)
  if (name === undefined || known === undefined) return false
  return name !== known || (text.trimStart().startsWith('{') && isWholeObject(argumentsOf(call)))
}

/** Whether a call comes once more, whole, as some send it at the end: twice the arguments would be none that can be read. */
function repeats(call: JsonObject, { name, text }: Fragment): boolean {
  if (name !== undefined && name !== nameOf(call)) return false
  return text !== '' && text === argumentsOf(call) && isWholeObject(text)
}

/** Bedrock has been seen to begin a call with `{}` and to send its arguments behind that: joined, they would be no JSON. */
function dropPlaceholder(call: JsonObject, { text }: Fragment, meter: Meter): void {
  if (argumentsOf(call) !== PLACEHOLDER || text === PLACEHOLDER || !text.trimStart().startsWith('{')) return
  put(bodyOf(call) as JsonObject, 'arguments', '')
  meter.add(-PLACEHOLDER.length)
}

function withoutBody({ function: _function, custom: _custom, ...others }: JsonObject): JsonObject {
  return others
}

function isWholeObject(text: Json | undefined): boolean {
  if (!isText(text) || text.length > MAX_PROVED || !text.trimEnd().endsWith('}')) return false
  try {
    return isObject(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Gateways that begin a call on a used index have been seen to go on with it under the index that it should have had. */
function tailOf(calls: CallDraft[], { index, isTail }: Fragment): CallDraft | undefined {
  return isTail ? calls.find((draft) => draft.rank === index) : undefined
}

/** A call on a slot that is taken ranks behind all others, one on a free slot where its index says. */
function beginCall(calls: CallDraft[], { index, position }: Fragment): CallDraft {
  const slot = index ?? position
  assertIndex(slot)
  assertIndex(calls.length)
  const taken = calls.some((draft) => draft.slot === slot)
  const rank = taken ? Math.max(...calls.map((draft) => draft.rank)) + 1 : slot
  const draft = { slot, rank, call: {} }
  calls.push(draft)
  return draft
}

function mergeCall(call: JsonObject, fragment: JsonObject, meter: Meter): void {
  for (const key of Object.keys(fragment)) {
    const piece = fragment[key] as Json
    if (key === 'index' || piece === null || (key === 'id' && piece === '')) continue
    if ((key === 'function' || key === 'custom') && isObject(piece)) {
      const known = own(call, key)
      put(call, key, mergeFunction(isObject(known) ? known : {}, piece, meter))
    } else {
      growMember(call, key, piece, meter)
    }
  }
}

/** Merges a function (`name`, `arguments`) or a custom tool's call (`name`, `input`), also the legacy `function_call`. */
export function mergeFunction(body: JsonObject, pieces: JsonObject, meter: Meter): JsonObject {
  for (const key of Object.keys(pieces)) {
    const piece = pieces[key] as Json
    if (piece !== null) growMember(body, key, key === 'arguments' ? asText(piece) : piece, meter)
  }
  return body
}

/** Ollama and some Gemini gateways send the arguments as an object; OpenAI's clients expect the JSON text of it. */
function asText(argumentsPiece: Json): string {
  if (typeof argumentsPiece === 'string') return argumentsPiece
  // Refuses what nests so deeply that writing it would overflow the stack.
  weigh(argumentsPiece)
  return JSON.stringify(argumentsPiece)
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
