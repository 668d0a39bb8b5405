import { isObject, type JsonObject, own } from '../fold/record.ts'
import { done, event } from '../sse/write.ts'
import { choicesOf, identityOfChunks, vendorMembers } from './render-pieces.ts'

/**
 * Writes an answer of the chat or the legacy API as the stream that would have given it. With `include_usage`, as
 * OpenAI has it, every chunk has a `usage`, null in all but the last; without an own usage there is none to send.
 *
 * @param piecesOf what stands in `choices[0]` of each chunk for one choice, in order and without the index
 */
export function renderChunks(
  answer: JsonObject,
  object: string,
  includeUsage: boolean,
  piecesOf: (choice: JsonObject) => JsonObject[],
): string {
  const identity = identityOfChunks(answer, object)
  const usage = includeUsage ? own(answer, 'usage') : undefined
  const empty = isObject(usage) ? { usage: null } : {}
  const choices = choicesOf(answer).flatMap(({ index, choice }) =>
    piecesOf(choice).map((piece): JsonObject => ({ index, ...piece })),
  )
  const chunks = choices.map((choice): JsonObject => ({ ...identity, choices: [choice], ...empty }))
  const first = chunks[0] ?? { ...identity, choices: [], ...empty }
  const rest = chunks.slice(1)
  if (isObject(usage)) rest.push({ ...identity, choices: [], usage })
  return [{ ...first, ...vendorMembers(answer) }, ...rest].map((chunk) => event(JSON.stringify(chunk))).join('') + done
}
