import type { Usage } from '../facts.ts'
import { isObject, type Json, type JsonObject, own } from '../fold/record.ts'
import { numberOf } from '../json/exact.ts'

/**
 * Token counts from a `usage` object of either API: chat and completions say prompt and completion, Responses
 * and embeddings input and output. Zeros are kept; a count that is absent is 0. An object without any says nothing.
 * Some say in the total alone what reasoning has cost, and some give nothing but a total.
 */
export function readUsage(usage: Json | undefined): Usage | undefined {
  if (!isObject(usage) || Object.keys(usage).length === 0) return undefined
  const counts = {
    input: count(usage, 'prompt_tokens') || count(usage, 'input_tokens'),
    output: count(usage, 'completion_tokens') || count(usage, 'output_tokens'),
    cached: detail(usage, ['prompt_tokens_details', 'input_tokens_details'], 'cached_tokens'),
    reasoning: detail(usage, ['completion_tokens_details', 'output_tokens_details'], 'reasoning_tokens'),
  }
  const total = count(usage, 'total_tokens')
  return total > counts.input + counts.output ? { ...counts, total } : counts
}

function detail(usage: JsonObject, places: string[], key: string): number {
  for (const place of places) {
    const details = own(usage, place)
    if (isObject(details)) return count(details, key)
  }
  return 0
}

/** A count that a hostile upstream made negative or fractional must not turn a limiter's budget around. */
function count(object: JsonObject, key: string): number {
  const value = numberOf(own(object, key)) ?? 0
  return Number.isSafeInteger(value) && value > 0 ? value : 0
}
