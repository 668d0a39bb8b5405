import { ProxyError } from '../errors.ts'
import { MAX_DEPTH, type Meter } from './draft.ts'
import { isObject, type Json, type JsonObject, own, put } from './record.ts'

/**
 * Strings that are labels, not fragments: providers repeat them in every chunk, and appending would give
 * `analysisanalysis`. The rest of the strings that a delta carries are pieces of a text.
 */
const labels = new Set([
  'id',
  'object',
  'type',
  'role',
  'name',
  'format',
  'signature',
  'channel',
  'status',
  'stop_reason',
  'native_finish_reason',
])

/**
 * The rule for every field that the fold does not know: strings are appended, arrays appended (objects that carry
 * an `index` are merged by it), objects merged, numbers and booleans replaced. A null never erases what came before:
 * providers send `reasoning_content: null` beside the first piece of content.
 */
export function grow(was: Json | undefined, piece: Json, key: string, meter: Meter, depth = 0): Json {
  if (piece === null) return was ?? null
  if (typeof piece === 'string') {
    meter.add(piece.length)
    return typeof was === 'string' ? growString(was, piece, key) : piece === '' ? (was ?? '') : piece
  }
  if (Array.isArray(piece)) return growArray(Array.isArray(was) ? was : [], piece, meter, depth)
  if (isObject(piece)) return growObject(isObject(was) ? was : {}, piece, meter, depth)
  return piece
}

function growString(was: string, piece: string, key: string): string {
  if (!labels.has(key)) return was + piece
  return piece === '' ? was : piece
}

/** Merges each member of `piece` into `was`, which is changed and returned. */
export function growObject(was: JsonObject, piece: JsonObject, meter: Meter, depth = 0): JsonObject {
  assertDepth(depth)
  for (const key of Object.keys(piece)) {
    const known = own(was, key)
    if (known === undefined) meter.add(key.length)
    put(was, key, grow(known, piece[key] as Json, key, meter, depth + 1))
  }
  return was
}

function growArray(was: Json[], pieces: Json[], meter: Meter, depth: number): Json[] {
  assertDepth(depth)
  for (const piece of pieces) {
    meter.add(1)
    const twin = isObject(piece) ? findTwin(was, piece) : undefined
    if (twin) growObject(twin, piece as JsonObject, meter, depth + 1)
    else was.push(grow(undefined, piece, '', meter, depth + 1))
  }
  return was
}

/**
 * The element that this one continues: same `index` and, where both name one, same `type`. OpenRouter numbers a
 * summary and the encrypted reasoning that follows it both 0; merged, one would take the other's type.
 */
function findTwin(elements: Json[], piece: JsonObject): JsonObject | undefined {
  const index = own(piece, 'index')
  if (typeof index !== 'number') return undefined
  for (let at = elements.length - 1; at >= 0; at--) {
    const element = elements[at]
    if (isObject(element) && own(element, 'index') === index && sameType(element, piece)) return element
  }
  return undefined
}

function sameType(one: JsonObject, other: JsonObject): boolean {
  const type = own(one, 'type')
  const otherType = own(other, 'type')
  return typeof type !== 'string' || typeof otherType !== 'string' || type === otherType
}

/**
 * The rule for values that every chunk repeats whole (Azure's filter results, Groq's `x_groq`, Perplexity's
 * citations): objects are merged, everything else is replaced, and a null replaces nothing.
 */
export function latest(was: Json | undefined, now: Json, meter: Meter, depth = 0): Json {
  if (now === null) return was ?? null
  if (!isObject(now) || !isObject(was)) {
    meter.add(weight(now, depth) - (was === undefined ? 0 : weight(was, depth)))
    return now
  }
  assertDepth(depth)
  for (const key of Object.keys(now)) put(was, key, latest(own(was, key), now[key] as Json, meter, depth + 1))
  return was
}

/** About how much of the answer a value takes; what it replaces is given back. */
function weight(value: Json, depth: number): number {
  if (typeof value === 'string') return value.length
  if (value === null || typeof value !== 'object') return 1
  assertDepth(depth)
  let units = 1
  if (Array.isArray(value)) for (const element of value) units += weight(element, depth + 1)
  else for (const key of Object.keys(value)) units += key.length + weight(value[key] as Json, depth + 1)
  return units
}

function assertDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new ProxyError('upstream_invalid', { message: 'The upstream sent an event that is nested too deeply.' })
  }
}
