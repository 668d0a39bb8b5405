import { isObject, type Json, type JsonObject } from '../fold/record.ts'
import { renderChunks } from './render-chunks.ts'
import { cutAtTokens, cutText } from './render-pieces.ts'

/**
 * Writes a legacy completion as the event stream that would have given it
 * (https://platform.openai.com/docs/api-reference/completions/object). See `renderChat`.
 */
export function renderCompletion(answer: JsonObject, options: { includeUsage: boolean }): string {
  return renderChunks(answer, 'text_completion', options.includeUsage, renderChoice)
}

function renderChoice(choice: JsonObject): JsonObject[] {
  const { index: _index, text: given, logprobs, finish_reason: reason, ...others } = choice
  const text = typeof given === 'string' ? given : ''
  const pieces = isObject(logprobs)
    ? withLogprobs(text, logprobs)
    : cutText(text).map((piece) => ({ text: piece, logprobs: null }))
  return [
    ...pieces.map((piece) => ({ ...piece, finish_reason: null })),
    { text: '', logprobs: null, finish_reason: reason ?? null, ...others },
  ]
}

/** The log probabilities are lists side by side: each piece of text takes the same part of all of them. */
function withLogprobs(text: string, logprobs: JsonObject): JsonObject[] {
  const tokens = Array.isArray(logprobs.tokens) ? logprobs.tokens : []
  return cutAtTokens(text, tokens).map((piece, at) => ({
    text: piece.text,
    logprobs: piece.from < piece.to || at === 0 ? part(logprobs, tokens.length, piece.from, piece.to) : null,
  }))
}

/** Lists that do not run along the tokens, and all else, go with the first piece. */
function part(logprobs: JsonObject, count: number, from: number, to: number): JsonObject {
  const members = Object.entries(logprobs).flatMap(([name, value]): [string, Json][] => {
    if (Array.isArray(value) && value.length === count) return [[name, value.slice(from, to)]]
    return from === 0 ? [[name, value]] : []
  })
  return Object.fromEntries(members)
}
