import { ProxyError } from '../errors.ts'
import { finishAudio } from './audio.ts'
import { finishCalls } from './calls.ts'
import type { ChoiceDraft, Draft } from './draft.ts'
import { isObject, isText, type Json, type JsonObject, own } from './record.ts'

/** Whether every choice that was seen has ended; without `[DONE]`, only this tells a whole stream from a cut one. */
export function isFinished(draft: Draft): boolean {
  if (draft.choices.size === 0) return false
  for (const choice of draft.choices.values()) if (choice.finishReason === undefined) return false
  return true
}

/** @throws ProxyError `upstream_truncated` when no choice has come: `[DONE]` after nothing is still no answer */
export function assertNotEmpty(draft: Draft): void {
  if (draft.choices.size > 0) return
  throw new ProxyError('upstream_truncated', { message: 'The upstream ended its stream without an answer in it.' })
}

/** The chat completion that the draft amounts to. The draft must not be used afterwards. */
export function finishChat(draft: Draft): JsonObject {
  return { ...identity(draft, 'chat.completion'), choices: inOrder(draft).map(finishChatChoice), ...rest(draft) }
}

/** The legacy completion that the draft amounts to. The draft must not be used afterwards. */
export function finishCompletion(draft: Draft): JsonObject {
  return { ...identity(draft, 'text_completion'), choices: inOrder(draft).map(finishTextChoice), ...rest(draft) }
}

/** Members in the order in which OpenAI writes them; absent ones stay absent, since nothing is invented. */
function identity(draft: Draft, object: string): JsonObject {
  const { id, created, model } = draft.top
  return {
    ...(id === undefined ? {} : { id }),
    object,
    ...(created === undefined ? {} : { created }),
    ...(model === undefined ? {} : { model }),
  }
}

function rest(draft: Draft): JsonObject {
  const { id: _id, created: _created, model: _model, ...others } = draft.top
  const usage = own(others, 'usage') ?? usageInChoices(draft)
  return usage === undefined ? others : { ...others, usage }
}

function inOrder(draft: Draft): ChoiceDraft[] {
  return [...draft.choices.values()].sort((one, other) => one.index - other.index)
}

function finishChatChoice(choice: ChoiceDraft): JsonObject {
  const { logprobs, ...fields } = fieldsOf(choice)
  return {
    index: choice.index,
    message: finishMessage(choice),
    logprobs: logprobs ?? null,
    finish_reason: choice.finishReason ?? null,
    ...fields,
  }
}

function finishMessage({ message, calls }: ChoiceDraft): JsonObject {
  const { role, content, refusal, function_call: functionCall, ...others } = message
  if (isObject(functionCall)) functionCall.arguments ??= ''
  const audio = own(others, 'audio')
  if (isObject(audio)) finishAudio(audio)
  return {
    role: role || 'assistant',
    content: content ?? null,
    refusal: refusal || null,
    ...(calls.length > 0 ? { tool_calls: finishCalls(calls) } : {}),
    ...(functionCall === undefined ? {} : { function_call: functionCall }),
    ...others,
  }
}

/** Without the counts, which are the whole answer's. */
function fieldsOf({ fields }: ChoiceDraft): JsonObject {
  const { usage, ...others } = fields
  return isObject(usage) ? others : fields
}

function finishTextChoice(choice: ChoiceDraft): JsonObject {
  const { text, logprobs, ...fields } = fieldsOf(choice)
  return {
    text: text || textIn(own(choice.message, 'content')),
    index: choice.index,
    logprobs: logprobs ?? null,
    finish_reason: choice.finishReason ?? null,
    ...fields,
  }
}

/** Servers that only know chat have been seen to answer the legacy API with its deltas. */
function textIn(content: Json | undefined): string {
  if (typeof content === 'string') return content
  const parts = Array.isArray(content) ? content : []
  return parts.map((part) => (isObject(part) && isText(own(part, 'text')) ? own(part, 'text') : '')).join('')
}

/** Each choice's reason, in order, for the span; null ones left out. */
export function finishReasons(draft: Draft): string[] {
  return inOrder(draft).flatMap((choice) => choice.finishReason ?? [])
}

/**
 * The usage object, wherever the provider put it: Groq's older streams carry it only inside `x_groq`, Moonshot's in a
 * choice.
 */
export function usageOf(draft: Draft): JsonObject | undefined {
  const usage = own(draft.top, 'usage')
  if (isObject(usage)) return usage
  const groq = own(draft.top, 'x_groq')
  const inner = isObject(groq) ? own(groq, 'usage') : undefined
  return isObject(inner) ? inner : usageInChoices(draft)
}

function usageInChoices(draft: Draft): JsonObject | undefined {
  return inOrder(draft)
    .map(({ fields }) => own(fields, 'usage'))
    .findLast(isObject)
}
