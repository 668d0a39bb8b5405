import { ProxyError } from '../errors.ts'
import { isRaw } from '../json/exact.ts'
import type { Json } from './record.ts'

/** Vendor objects nest a few levels; deeper ones are there to overflow the stack. */
export const MAX_DEPTH = 200

/** What a member or an element costs beside its own text: about the JSON around it, `"":,`. */
export const MEMBER = 4

/** What an object or an array costs beside its members. Empty ones are two characters, but take 56 bytes of memory. */
const CONTAINER = 16

/**
 * About how many characters of the answer a value takes, and never much less than a part of the memory that it holds.
 * @throws ProxyError `upstream_invalid` when it nests too deeply
 */
export function weigh(value: Json, depth = 0): number {
  if (typeof value === 'string') return value.length + MEMBER
  if (value === null || typeof value !== 'object') return MEMBER
  if (isRaw(value)) return CONTAINER + value.rawJSON.length
  assertDepth(depth)
  let units = CONTAINER
  if (Array.isArray(value)) for (const element of value) units += weigh(element, depth + 1)
  else for (const key of Object.keys(value)) units += key.length + weigh(value[key] as Json, depth + 1)
  return units
}

/** @throws ProxyError `upstream_invalid` when a value would nest deeper than anything that providers send */
export function assertDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new ProxyError('upstream_invalid', { message: 'The upstream sent an event that is nested too deeply.' })
  }
}
