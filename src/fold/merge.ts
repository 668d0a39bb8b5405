import { numberOf } from '../json/exact.ts'
import { mergeCalls, mergeFunction } from './calls.ts'
import { growContent } from './content.ts'
import { type ChoiceDraft, choiceAt, type Draft, indexOf, type Meter } from './draft.ts'
import { append, growMember, growObject, keepLatest, labels } from './grow.ts'
import { isObject, isText, type Json, type JsonObject, own, put } from './record.ts'
import { weigh } from './weigh.ts'

/** Random filler against traffic analysis: OpenAI's `obfuscation`, Mistral's `p`. */
export const padding: ReadonlySet<string> = new Set(['obfuscation', 'p'])

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

function mergeTop({ top, meter }: Draft, key: string, value: Json): void {
  switch (key) {
    case 'object':
    case 'error':
      return
    case 'id':
    case 'model':
    case 'created':
      // The first real value holds: Azure begins with empty ones, Groq and Snowflake change them on the way.
      if (isGiven(value) && own(top, key) === undefined) keepLatest(top, key, value, meter)
      return
    case 'usage':
      keepUsage(top, value, meter)
      return
    case 'system_fingerprint':
    case 'service_tier':
      if (value !== '') keepLatest(top, key, value, meter)
      return
    default:
      keepLatest(top, key, value, meter)
  }
}

/** Whether an identity says anything; providers without one write `""` or 0. */
function isGiven(value: Json): boolean {
  return value !== null && value !== '' && numberOf(value) !== 0
}

/** Some send the counts cumulatively in every chunk, or null or `{}` after them: the last real ones are the total. */
function keepUsage(holder: JsonObject, usage: Json, meter: Meter): void {
  const was = own(holder, 'usage')
  if (usage === null || (isObject(usage) && Object.keys(usage).length === 0)) return
  meter.add(weigh(usage) - (was === undefined ? 0 : weigh(was)))
  holder.usage = usage
}

function mergeChoices(draft: Draft, choices: Json): void {
  if (!Array.isArray(choices)) return
  choices.forEach((piece, position) => {
    if (isObject(piece)) mergeChoice(choiceAt(draft, indexOf(piece) ?? position), piece, draft.meter)
  })
}

/** Merges one element of a chunk's `choices`. Throws as {@link mergeChunk} does. */
export function mergeChoice(choice: ChoiceDraft, piece: JsonObject, meter: Meter): void {
  for (const key of Object.keys(piece)) {
    const value = piece[key] as Json
    switch (key) {
      case 'index':
        break
      case 'delta':
        if (isObject(value)) mergeMetered(choice, value, meter, mergeDelta)
        break
      case 'message':
        if (isObject(value) && !isCopy(choice, own(piece, 'delta'))) mergeMetered(choice, value, meter, mergeMessage)
        break
      case 'finish_reason':
        if (isText(value)) finishWith(choice, value, meter)
        break
      default:
        mergeField(choice.fields, key, value, meter)
    }
  }
}

/** Remembers what the message costs. An estimate would not do: taking off more than was added would give room. */
function mergeMetered(choice: ChoiceDraft, piece: JsonObject, meter: Meter, merge: typeof mergeDelta): void {
  const before = meter.units
  merge(choice, piece, meter)
  choice.messageUnits += meter.units - before
}

function finishWith(choice: ChoiceDraft, reason: string, meter: Meter): void {
  meter.add(reason.length - (choice.finishReason?.length ?? 0))
  choice.finishReason = reason
}

/**
 * A field beside the delta. Text and lists are pieces (`text`, `token_ids`), log probabilities are lists within an
 * object, and `usage` is Moonshot's place for the counts; any other object is a verdict that is repeated, such as Azure's
 * `content_filter_results`.
 */
function mergeField(fields: JsonObject, key: string, value: Json, meter: Meter): void {
  if (!isObject(value)) growMember(fields, key, value, meter)
  else if (key === 'logprobs') mergeLogprobs(fields, value, meter)
  else if (key === 'usage') keepUsage(fields, value, meter)
  else keepLatest(fields, key, value, meter)
}

/** One entry a token: none goes on with another, even where a token's text is `index` and makes it look numbered. */
function mergeLogprobs(fields: JsonObject, pieces: JsonObject, meter: Meter): void {
  const was = own(fields, 'logprobs')
  const logprobs = isObject(was) ? was : {}
  fields.logprobs = logprobs
  for (const key of Object.keys(pieces)) {
    const piece = pieces[key] as Json
    growMember(logprobs, key, Array.isArray(piece) ? [] : piece, meter)
    if (Array.isArray(piece)) put(logprobs, key, append(own(logprobs, key), piece, meter))
  }
}

function mergeDelta(choice: ChoiceDraft, delta: JsonObject, meter: Meter): void {
  const { message } = choice
  for (const key of Object.keys(delta)) {
    const piece = delta[key] as Json
    switch (key) {
      case 'content':
        message.content = growContent(own(message, 'content'), piece, meter)
        break
      case 'tool_calls':
        mergeCalls(choice, piece, meter)
        break
      case 'annotations':
        // Each is whole, and where one says `index` it means a place in the text.
        if (Array.isArray(piece)) message.annotations = append(own(message, key), piece, meter)
        break
      case 'function_call':
        if (isObject(piece)) mergeFunctionCall(message, piece, meter)
        break
      default:
        if (!padding.has(key)) growMember(message, key, piece, meter)
    }
  }
}

function mergeFunctionCall(message: JsonObject, piece: JsonObject, meter: Meter): void {
  const was = own(message, 'function_call')
  message.function_call = mergeFunction(isObject(was) ? was : {}, piece, meter)
}

/** Perplexity and Writer repeat the delta in a message; only where nothing comes by deltas is it the message itself. */
function isCopy(choice: ChoiceDraft, delta: Json | undefined): boolean {
  if (!isObject(delta)) return false
  return Object.keys(delta).length + Object.keys(choice.message).length + choice.calls.length > 0
}

/** A message that says nothing, such as beside a last finish_reason, must not take away what came. */
function mergeMessage(choice: ChoiceDraft, message: JsonObject, meter: Meter): void {
  const says = Object.entries(message).some(([key, value]) => !labels.has(key) && !isEmpty(value))
  if (says) replaceMessage(choice, message, meter)
  else mergeDelta(choice, message, meter)
}

function isEmpty(value: Json): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

/** A whole message instead of a delta: what came before is the same message, less complete. */
function replaceMessage(choice: ChoiceDraft, message: JsonObject, meter: Meter): void {
  meter.add(-choice.messageUnits)
  for (const key of Object.keys(choice.message)) delete choice.message[key]
  choice.calls.length = 0
  choice.openCall = undefined
  const { tool_calls: calls, ...rest } = message
  growObject(choice.message, rest, meter)
  if (calls !== undefined) mergeCalls(choice, calls, meter)
}
