import { isRaw } from '../json/exact.ts'
import { MAX_INDEX, type Meter } from './draft.ts'
import { isObject, isText, type Json, type JsonObject, own, put } from './record.ts'
import { assertDepth, MEMBER, weigh } from './weigh.ts'

/**
 * Strings that are labels, not fragments: providers repeat them in every chunk, and appending would give
 * `analysisanalysis`. The rest of the strings that a delta carries are pieces of a text.
 */
export const labels: ReadonlySet<string> = new Set([
  'id',
  'object',
  'type',
  'role',
  'name',
  'format',
  'signature',
  'thought_signature',
  'channel',
  'status',
  'stop_reason',
  'native_finish_reason',
])

/** Of these a token that looks like a number is one to some servers; it is a piece of the text all the same. */
const texts: ReadonlySet<string> = new Set(['content', 'text', 'refusal', 'reasoning_content', 'reasoning'])
/** The same for truth values, which elsewhere are flags: `"reasoning": false` says that there is none. */
const nothingButTexts: ReadonlySet<string> = new Set(['content', 'text'])

/** Whether a value that need be no string is a piece of the text of this name. */
export function isPieceOf(key: string, value: Json): boolean {
  if (value === null || value === '') return false
  return (typeof value === 'boolean' ? nothingButTexts : texts).has(key)
}

/**
 * The rule for every field that the fold does not know: strings are appended, arrays appended (objects that carry
 * an `index` are merged by it), objects merged, numbers and booleans replaced. A null never erases what came before:
 * providers send `reasoning_content: null` beside the first piece of content.
 */
export function grow(was: Json | undefined, piece: Json, key: string, meter: Meter, depth = 0): Json {
  if (piece === null) return was ?? null
  if (typeof piece === 'string') return growString(was, piece, key, meter)
  if (Array.isArray(piece)) return growArray(Array.isArray(was) ? was : [], piece, meter, depth)
  if (isObject(piece)) return growObject(isObject(was) ? was : {}, piece, meter, depth)
  // Deeper down such names may be those of counts.
  if (depth === 0 && isPieceOf(key, piece)) return growString(was, spelling(piece), key, meter)
  meter.add(weigh(piece) - (was === undefined ? 0 : weigh(was)))
  return piece
}

/** A number or truth value as it was written. */
export function spelling(piece: Json): string {
  return isRaw(piece) ? piece.rawJSON : String(piece)
}

function growString(was: Json | undefined, piece: string, key: string, meter: Meter): Json {
  if (piece === '') return was ?? ''
  if (typeof was !== 'string') {
    meter.add(piece.length)
    return piece
  }
  meter.add(labels.has(key) ? piece.length - was.length : piece.length)
  return labels.has(key) ? piece : was + piece
}

/** Lets the object's member grow by the piece; a hostile stream of ever new names is metered as well. */
export function growMember(object: JsonObject, key: string, piece: Json, meter: Meter, depth = 0): void {
  const was = own(object, key)
  if (was === undefined) meter.add(key.length + MEMBER)
  put(object, key, grow(was, piece, key, meter, depth))
}

/** Merges each member of `piece` into `was`, which is changed and returned. */
export function growObject(was: JsonObject, piece: JsonObject, meter: Meter, depth = 0): JsonObject {
  assertDepth(depth)
  for (const key of Object.keys(piece)) growMember(was, key, piece[key] as Json, meter, depth + 1)
  return was
}

function growArray(was: Json[], pieces: Json[], meter: Meter, depth: number): Json[] {
  assertDepth(depth)
  for (const piece of pieces) {
    const twin = isObject(piece) ? findTwin(was, piece) : undefined
    if (twin) {
      growObject(twin, piece as JsonObject, meter, depth + 1)
    } else {
      meter.add(weigh(piece, depth + 1))
      was.push(piece)
    }
  }
  return was
}

/**
 * The element that this one continues: same `index` and, where both name them, same `type` and `id`. OpenRouter numbers
 * a summary and the encrypted reasoning that follows it both 0; merged, one would take the other's type, and the
 * ciphers of two blocks would become one that nobody can read.
 */
function findTwin(elements: Json[], piece: JsonObject): JsonObject | undefined {
  const index = own(piece, 'index')
  if (typeof index !== 'number') return undefined
  // Not further back than an index may count, or a stream of ever new ones would be compared each with each.
  for (let at = elements.length - 1; at >= Math.max(0, elements.length - 1 - MAX_INDEX); at--) {
    const element = elements[at]
    if (!isObject(element) || own(element, 'index') !== index) continue
    if (agree(element, piece, 'type') && agree(element, piece, 'id')) return element
  }
  return undefined
}

function agree(one: JsonObject, other: JsonObject, key: string): boolean {
  const label = own(one, key)
  const otherLabel = own(other, key)
  return !isText(label) || !isText(otherLabel) || label === otherLabel
}

/** Appends the elements as they are: for lists in which each entry stands for itself, whatever its members say. */
export function append(was: Json | undefined, pieces: Json[], meter: Meter, depth = 0): Json[] {
  const list = Array.isArray(was) ? was : []
  for (const piece of pieces) {
    meter.add(weigh(piece, depth))
    list.push(piece)
  }
  return list
}

/**
 * The rule for values that every chunk repeats whole (Azure's filter results, Groq's `x_groq`, Perplexity's
 * citations): objects are merged, everything else is replaced, and a null replaces nothing.
 */
export function latest(was: Json | undefined, now: Json, meter: Meter, depth = 0): Json {
  if (now === null) return was ?? null
  if (!isObject(now) || !isObject(was)) {
    meter.add(weigh(now, depth) - (was === undefined ? 0 : weigh(was, depth)))
    return now
  }
  for (const key of Object.keys(now)) keepLatest(was, key, now[key] as Json, meter, depth + 1)
  return was
}

/** Sets the object's member by the rule of {@link latest}. */
export function keepLatest(object: JsonObject, key: string, now: Json, meter: Meter, depth = 0): void {
  const was = own(object, key)
  if (was === undefined) meter.add(key.length + MEMBER)
  put(object, key, latest(was, now, meter, depth))
}
