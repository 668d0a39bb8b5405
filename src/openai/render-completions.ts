import { isObject, isText, type JsonObject, own } from '../fold/record.ts'
import { piecesOf } from './pieces.ts'
import { type RenderOptions, writeChunks } from './render-chat.ts'

/**
 * Renders a plain legacy completion as a stream.
 * https://platform.openai.com/docs/api-reference/completions/create
 */
export function renderCompletion(answer: JsonObject, options: RenderOptions): string {
  const choices = own(answer, 'choices')
  const pieces = Array.isArray(choices) ? choices.filter(isObject).flatMap(renderChoice) : []
  return writeChunks(answer, 'text_completion', pieces, options)
}

/** The log probabilities go with the first piece: their offsets count from the beginning of the text as a whole. */
function renderChoice(choice: JsonObject, position: number): JsonObject[] {
  const { text, index: given, logprobs, finish_reason: reason, ...fields } = choice
  const index = given ?? position
  const [first = '', ...more] = piecesOf(isText(text) ? text : '')
  return [
    { text: first, index, logprobs: logprobs ?? null, finish_reason: null },
    ...more.map((piece) => ({ text: piece, index, logprobs: null, finish_reason: null })),
    { text: '', index, logprobs: null, finish_reason: reason ?? null, ...fields },
  ]
}
