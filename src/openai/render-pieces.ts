import { isObject, type Json, type JsonObject, own } from '../fold/record.ts'

/** UTF-16 units in one piece of a rendered text: small enough to be shown bit by bit, large enough not to cost a lot. */
const PIECE_LENGTH = 128

/** A piece of a text, and which of its tokens belong to it: from the first up to, not including, the second. */
export interface Piece {
  readonly text: string
  readonly from: number
  readonly to: number
}

/** The text in pieces, none of which ends inside a surrogate pair; no piece for an empty text. */
export function cutText(text: string): string[] {
  const pieces: string[] = []
  for (let start = 0; start < text.length; ) {
    let end = start + PIECE_LENGTH
    if ((text.codePointAt(end - 1) ?? 0) > 0xffff) end++
    pieces.push(text.slice(start, end))
    start = end
  }
  return pieces
}

/**
 * The text in pieces that end where tokens do, so that a client may read each piece beside its log probabilities.
 * Tokens that do not spell the text (the halves of a character do not) all go with the first piece: no entry is lost.
 * There is always a first piece, if only an empty one.
 */
export function cutAtTokens(text: string, entries: readonly Json[]): Piece[] {
  const tokens = entries.map(tokenOf)
  if (tokens.length > 0 && tokens.join('') === text) return groupTokens(tokens)
  const pieces = cutText(text)
  if (pieces.length === 0) pieces.push('')
  const to = entries.length
  return pieces.map((piece, at) => ({ text: piece, from: at === 0 ? 0 : to, to }))
}

function groupTokens(tokens: readonly string[]): Piece[] {
  const pieces: Piece[] = []
  let text = ''
  let from = 0
  for (const [at, token] of tokens.entries()) {
    text += token
    const isLast = at === tokens.length - 1
    if (isLast || (text.length >= PIECE_LENGTH && !isHighSurrogate(text.charCodeAt(text.length - 1)))) {
      pieces.push({ text, from, to: at + 1 })
      text = ''
      from = at + 1
    }
  }
  return pieces
}

/** Chat and Responses have objects with a `token`, the legacy API the tokens themselves. */
function tokenOf(entry: Json): string {
  const token = isObject(entry) ? own(entry, 'token') : entry
  return typeof token === 'string' ? token : ''
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/** The members of an answer that every chunk of its stream carries, where the answer has them. */
export function identityOfChunks(answer: JsonObject, object: string): JsonObject {
  const { id, created, model, service_tier: tier, system_fingerprint: fingerprint } = answer
  return {
    ...(id === undefined ? {} : { id }),
    object,
    ...(created === undefined ? {} : { created }),
    ...(model === undefined ? {} : { model }),
    ...(tier === undefined ? {} : { service_tier: tier }),
    ...(fingerprint === undefined ? {} : { system_fingerprint: fingerprint }),
  }
}

/** What a provider adds to the answer itself, such as citations: it goes with the first chunk. */
export function vendorMembers(answer: JsonObject): JsonObject {
  const {
    id: _id,
    object: _object,
    created: _created,
    model: _model,
    service_tier: _tier,
    system_fingerprint: _fingerprint,
    choices: _choices,
    usage: _usage,
    ...others
  } = answer
  return others
}

/** The choices that are objects, each with its index; where that is missing, its position. */
export function choicesOf(answer: JsonObject): { index: Json; choice: JsonObject }[] {
  const choices = own(answer, 'choices')
  if (!Array.isArray(choices)) return []
  return choices.flatMap((choice, position) =>
    isObject(choice) ? [{ index: own(choice, 'index') ?? position, choice }] : [],
  )
}
