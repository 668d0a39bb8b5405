import { mergeCalls, mergeFunction } from './calls.ts'
import { growContent } from './content.ts'
import { type ChoiceDraft, choiceAt, type Draft, type Meter } from './draft.ts'
import { grow, growObject, latest } from './grow.ts'
import { isObject, isText, type Json, type JsonObject, own, put } from './record.ts'

/** Random filler against traffic analysis: OpenAI's `obfuscation`, Mistral's `p`. */
const padding = new Set(['obfuscation', 'p'])

/**
 * Merges one chunk of a chat or legacy completion into the draft.
 * The rules are those of `docs/fold.md`; where OpenAI's reference is silent, they follow what providers send.
 * @throws ProxyError `upstream_invalid` for indices or nesting out of bounds, `upstream_too_large` over the cap
 */
export function mergeChunk(draft: Draft, chunk: JsonObject): void {
  for (const key of Object.keys(chunk)) {
    const value = chunk[key] as Json
    if (key === 'choices') mergeChoices(draft, value)
    else if (!padding.has(key)) mergeTop(draft, key, value)
  }
}

function mergeTop(draft: Draft, key: string, value: Json): void {
  const { top, meter } = draft
  switch (key) {
    case 'object':
    case 'error':
      return
    case 'id':
    case 'model':
    case 'created':
      // The first real value holds: Azure begins with empty ones, Groq and Snowflake change them on the way.
      if (value && !own(top, key)) top[key] = latest(undefined, value, meter)
      return
    case 'usage':
      // Some send it cumulatively in every chunk, or null after the real one: the last real one is the total.
      if (value !== null) top.usage = latest(undefined, value, meter)
      return
    default:
      put(top, key, latest(own(top, key), value, meter))
  }
}

function mergeChoices(draft: Draft, choices: Json): void {
  if (!Array.isArray(choices)) return
  choices.forEach((piece, position) => {
    if (!isObject(piece)) return
    const index = own(piece, 'index') ?? position
    mergeChoice(choiceAt(draft, Number(index)), piece, draft.meter)
  })
}

function mergeChoice(choice: ChoiceDraft, piece: JsonObject, meter: Meter): void {
  for (const key of Object.keys(piece)) {
    const value = piece[key] as Json
    switch (key) {
      case 'index':
        break
      case 'delta':
        if (isObject(value)) mergeDelta(choice, value, meter)
        break
      case 'message':
        // Perplexity and Writer repeat the delta here; only where there is no delta is it the message itself.
        if (isObject(value) && !isObject(own(piece, 'delta'))) replaceMessage(choice, value, meter)
        break
      case 'finish_reason':
        if (isText(value)) choice.finishReason = value
        break
      default:
        put(choice.fields, key, growField(own(choice.fields, key), value, key, meter))
    }
  }
}

/**
 * A field beside the delta. Text and lists are pieces (`text`, `token_ids`), log probabilities are lists within an
 * object; any other object is a verdict that is repeated, such as Azure's `content_filter_results`.
 */
function growField(was: Json | undefined, value: Json, key: string, meter: Meter): Json {
  return key !== 'logprobs' && isObject(value) ? latest(was, value, meter) : grow(was, value, key, meter)
}

function mergeDelta(choice: ChoiceDraft, delta: JsonObject, meter: Meter): void {
  const { message } = choice
  for (const key of Object.keys(delta)) {
    const piece = delta[key] as Json
    switch (key) {
      case 'role':
        if (isText(piece)) message.role = piece
        break
      case 'content':
        message.content = growContent(own(message, 'content'), piece, meter)
        break
      case 'tool_calls':
        if (Array.isArray(piece)) mergeCalls(choice, piece, meter)
        break
      case 'function_call':
        if (isObject(piece)) mergeFunctionCall(message, piece, meter)
        break
      default:
        if (!padding.has(key)) put(message, key, grow(own(message, key), piece, key, meter))
    }
  }
}

function mergeFunctionCall(message: JsonObject, piece: JsonObject, meter: Meter): void {
  const was = own(message, 'function_call')
  message.function_call = mergeFunction(isObject(was) ? was : {}, piece, meter)
}

/** A whole message instead of a delta: what came before is the same message, less complete. */
function replaceMessage(choice: ChoiceDraft, message: JsonObject, meter: Meter): void {
  for (const key of Object.keys(choice.message)) delete choice.message[key]
  choice.calls.length = 0
  const { tool_calls: calls, ...rest } = message
  growObject(choice.message, rest, meter)
  if (Array.isArray(calls)) mergeCalls(choice, calls, meter)
}
