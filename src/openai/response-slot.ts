import { isObject, type JsonObject, own } from '../fold/record.ts'
import type { PartList } from './response-pieces.ts'

/** One item of the output, whole or under construction. */
export interface Slot {
  /** Where it stands in the output. */
  readonly place: number
  /** What its events have for `output_index`. */
  readonly index: number | undefined
  item: JsonObject
  /** What it has put on the meter. */
  units: number
  /** Those of an item under construction, by their index; undefined once it has come whole. */
  parts: Parts | undefined
}

export interface OpenSlot extends Slot {
  parts: Parts
}

export function isOpen(slot: Slot | undefined): slot is OpenSlot {
  return slot?.parts !== undefined
}

type Parts = Readonly<Record<PartList, Map<number, JsonObject>>>

/** What an item or a part takes of the memory beside its text, and one under construction; in the meter's units. */
export const PLACE_UNITS = 150
export const OPEN_UNITS = 500

/** The parts that an item has when it is added. */
export function partsOf(item: JsonObject): Parts {
  return { content: listed(item, 'content'), summary: listed(item, 'summary') }
}

function listed(item: JsonObject, list: PartList): Map<number, JsonObject> {
  const parts = own(item, list)
  return new Map(Array.isArray(parts) ? parts.filter(isObject).entries() : [])
}

/**
 * The item; one that has not come whole with what the API's own of its type always have, for it may never have been added.
 * @param status where the item has not said how it ended
 */
export function finished({ item, parts }: Slot, status: string): JsonObject {
  if (!parts) return item
  const { content, summary } = parts
  const type = own(item, 'type')
  return {
    ...(type === 'message' ? { role: 'assistant', status, content: [] } : {}),
    ...(type === 'reasoning' ? { summary: [] } : {}),
    ...item,
    ...(own(item, 'status') === 'in_progress' ? { status } : {}),
    ...(summary.size > 0 ? { summary: inOrder(summary) } : {}),
    ...(content.size > 0 ? { content: inOrder(content) } : {}),
  }
}

function inOrder(parts: Map<number, JsonObject>): JsonObject[] {
  return [...parts].sort(([one], [other]) => one - other).map(([, part]) => part)
}
