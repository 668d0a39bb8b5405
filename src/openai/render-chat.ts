import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { done, event } from '../sse/write.ts'
import { piecesOf } from './pieces.ts'

export interface RenderOptions {
  /** The client asked for the chunk with the token counts. */
  readonly includeUsage: boolean
}

/**
 * Renders a plain chat completion as the stream that it would have been, for a client that asked for one.
 * https://platform.openai.com/docs/api-reference/chat-streaming
 */
export function renderChat(answer: JsonObject, options: RenderOptions): string {
  const choices = own(answer, 'choices')
  const deltas = Array.isArray(choices) ? choices.filter(isObject).flatMap(renderChoice) : []
  return writeChunks(answer, 'chat.completion.chunk', deltas, options)
}

/** Puts the members that every chunk repeats around the choices, and the usage and `[DONE]` behind them. */
export function writeChunks(answer: JsonObject, object: string, choices: Json[], options: RenderOptions): string {
  const { choices: _choices, usage, object: _object, ...common } = answer
  // With the option, OpenAI writes `usage: null` into every chunk but the last.
  const empty = options.includeUsage ? { usage: null } : {}
  const chunks: JsonObject[] = choices.map((choice) => ({ ...common, object, choices: [choice], ...empty }))
  if (options.includeUsage && isObject(usage)) chunks.push({ ...common, object, choices: [], usage })
  return chunks.map((chunk) => event(JSON.stringify(chunk))).join('') + done
}

function renderChoice(choice: JsonObject, position: number): JsonObject[] {
  const { message, finish_reason: reason, index: given, logprobs, delta: _delta, ...fields } = choice
  const index = given ?? position
  const deltas = isObject(message) ? deltasOf(message) : []
  const chunks: JsonObject[] = deltas.map((delta) => ({ index, delta, logprobs: null, finish_reason: null }))
  // They belong to the text as a whole here: which token fell into which piece cannot be told any more.
  if (isObject(logprobs))
    chunks[Math.min(1, chunks.length - 1)] = { ...chunks[Math.min(1, chunks.length - 1)], logprobs }
  return [...chunks, { index, delta: {}, logprobs: null, finish_reason: reason ?? null, ...fields }]
}

function deltasOf(message: JsonObject): JsonObject[] {
  const { role, content, refusal, tool_calls: calls, function_call: functionCall, ...others } = message
  const deltas: JsonObject[] = [{ role: role ?? 'assistant', ...opening(content, refusal) }]
  const rest = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== null))
  if (Object.keys(rest).length > 0) deltas.push(rest)
  if (Array.isArray(content)) deltas.push({ content })
  if (isText(content)) deltas.push(...piecesOf(content).map((piece) => ({ content: piece })))
  if (isText(refusal)) deltas.push(...piecesOf(refusal).map((piece) => ({ refusal: piece })))
  if (Array.isArray(calls)) deltas.push(...calls.filter(isObject).flatMap(deltasOfCall))
  if (isObject(functionCall)) deltas.push(...deltasOfFunction(functionCall).map((piece) => ({ function_call: piece })))
  return deltas
}

/** OpenAI's first chunk has an empty text where text follows, and null where none does. */
function opening(content: Json | undefined, refusal: Json | undefined): JsonObject {
  return {
    ...(Array.isArray(content) ? {} : { content: typeof content === 'string' ? '' : null }),
    refusal: isText(refusal) ? '' : null,
  }
}

function deltasOfCall(call: JsonObject, index: number): JsonObject[] {
  const { function: body, custom, index: _index, ...head } = call
  if (isObject(custom)) return deltasOfCustom(custom, head, index)
  const [first = {}, ...more] = isObject(body) ? deltasOfFunction(body) : []
  return [
    { tool_calls: [{ index, ...head, function: first }] },
    ...more.map((piece) => ({ tool_calls: [{ index, function: piece }] })),
  ]
}

function deltasOfFunction(body: JsonObject): JsonObject[] {
  const { arguments: text, ...head } = body
  const pieces = typeof text === 'string' ? piecesOf(text) : text === undefined ? [] : [JSON.stringify(text)]
  return [{ ...head, arguments: '' }, ...pieces.map((piece) => ({ arguments: piece }))]
}

function deltasOfCustom(custom: JsonObject, head: JsonObject, index: number): JsonObject[] {
  const { input, ...rest } = custom
  return [
    { tool_calls: [{ index, ...head, custom: { ...rest, input: '' } }] },
    ...piecesOf(isText(input) ? input : '').map((piece) => ({ tool_calls: [{ index, custom: { input: piece } }] })),
  ]
}
