import { isRaw } from '../json/exact.ts'

/** A JSON value. Numbers may be `JSON.rawJSON` objects, which keep the digits that the upstream wrote. */
export type Json = string | number | boolean | null | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/**
 * The object's own member. Plain indexing would also find `constructor` and other members of Object.prototype,
 * so that an upstream could make the fold merge into a function.
 */
export function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets an own member. `__proto__` by plain assignment would change the prototype and lose the data. */
export function put(object: JsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    object[key] = value
  }
}

/** A JSON object, not an array, null, or a number that kept its digits. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRaw(value)
}

/** A string with something in it; providers write `""` where OpenAI leaves a member out. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
