import { isRaw } from '../json/exact.ts'
import type { Meter } from './draft.ts'
import { append, grow, growObject, spelling } from './grow.ts'
import { isObject, isText, type Json, type JsonObject, own } from './record.ts'

/**
 * Merges `delta.content`: a string nearly everywhere, an array of parts from Mistral, which may later go on as plain
 * strings. Once a part has come, the content stays an array, as in Mistral's own plain answer.
 */
export function growContent(was: Json | undefined, piece: Json, meter: Meter, depth = 0): Json {
  if (piece === null) return was ?? null
  if (typeof piece !== 'object' || isRaw(piece)) return growText(was, spelling(piece), meter, depth)
  const pieces = Array.isArray(piece) ? piece : [piece]
  // No parts are no reason to make a list of what may go on as a string.
  if (pieces.length === 0) return was ?? null
  const parts = partsOf(was)
  for (const part of pieces) addPart(parts, typeof part === 'string' ? textPart(part) : part, meter, depth)
  return parts
}

function growText(was: Json | undefined, piece: string, meter: Meter, depth: number): Json {
  if (!Array.isArray(was)) return grow(was, piece, 'content', meter)
  return piece === '' ? was : addPart(was, textPart(piece), meter, depth)
}

function textPart(text: string): JsonObject {
  return { type: 'text', text }
}

function partsOf(content: Json | undefined): Json[] {
  if (Array.isArray(content)) return content
  return isText(content) ? [textPart(content)] : []
}

/** Appends a part, or lengthens the last one where both are pieces of the same running text. */
function addPart(parts: Json[], part: Json, meter: Meter, depth: number): Json[] {
  const last = parts.at(-1)
  if (isObject(part) && isObject(last) && continues(last, part)) {
    lengthen(last, part, meter, depth)
  } else {
    append(parts, [part], meter, depth)
  }
  return parts
}

function continues(last: JsonObject, part: JsonObject): boolean {
  const type = own(part, 'type')
  return (type === 'text' || type === 'thinking') && own(last, 'type') === type
}

/** `thinking` is itself an array of text parts, so that its pieces are joined by the same rule. */
function lengthen(last: JsonObject, part: JsonObject, meter: Meter, depth: number): void {
  const { thinking, ...rest } = part
  // Here it is refused that each chunk nests a part deeper into those that came before.
  growObject(last, rest, meter, depth)
  if (thinking === undefined) return
  const was = own(last, 'thinking')
  last.thinking =
    Array.isArray(was) || Array.isArray(thinking)
      ? growContent(was, thinking, meter, depth + 2)
      : grow(was, thinking, 'thinking', meter, depth + 1)
}
