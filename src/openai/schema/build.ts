import type { SchemaObject } from 'ajv'

export type Schema = SchemaObject
type Members = Record<string, Schema>

export const anything: Schema = {}
export const string: Schema = { type: 'string' }
export const filled: Schema = { type: 'string', minLength: 1 }
export const boolean: Schema = { type: 'boolean' }
export const integer: Schema = { type: 'integer' }
export const object: Schema = { type: 'object' }
export const list: Schema = { type: 'array' }

/** A whole number from `minimum` to `maximum`, both included. */
export function integerFrom(minimum: number, maximum?: number): Schema {
  return maximum === undefined ? { type: 'integer', minimum } : { type: 'integer', minimum, maximum }
}

/** A number from `minimum` to `maximum`, both included. */
export function numberFrom(minimum: number, maximum: number): Schema {
  return { type: 'number', minimum, maximum }
}

export function listOf(items: Schema): Schema {
  return { type: 'array', items }
}

/**
 * A value of one of several JSON types, each with its own rules.
 * The rules can stand in one schema because each applies to its own type only; `anyOf` would report
 * the failure of every branch and leave nobody wiser.
 */
export function either(...schemas: Schema[]): Schema {
  return Object.assign({}, ...schemas, { type: schemas.flatMap((schema) => schema.type) })
}

/**
 * An object. Members that are named neither in `required` nor in `optional` pass, whatever they hold:
 * providers add their own. `null` counts as absent for an optional member, as OpenAI and its SDK have it.
 */
export function members(required: Members, optional: Members = {}): Schema {
  const open = Object.entries(optional).map(([name, schema]) => [name, orNull(schema)])
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...Object.fromEntries(open) },
  }
}

/** Rules that hold where `condition` does, and others where it does not. */
export function when(condition: Schema, then: Schema, otherwise: Schema = anything): Schema {
  return { if: condition, then, else: otherwise }
}

/**
 * Further rules for an object by the value of its member `tag`. A kind without rules passes:
 * providers have tools, content parts and items that OpenAI does not know.
 */
export function byKind(tag: string, base: Schema, kinds: Members): Schema {
  const rules = Object.entries(kinds).map(([kind, rule]) => when(has(tag, { const: kind }), rule))
  return { ...base, allOf: [...(base.allOf ?? []), ...rules] }
}

/**
 * The condition that a value is an object with the member `name`, which is as `schema` says.
 * Without `type` it would hold for every string and array, since the other keywords look at objects only.
 */
export function has(name: string, schema: Schema = anything): Schema {
  return { type: 'object', required: [name], properties: { [name]: schema } }
}

function orNull(schema: Schema): Schema {
  if (schema.type === undefined) return schema
  const nullable = { ...schema, type: [schema.type, 'null'].flat() }
  return schema.enum ? { ...nullable, enum: [...schema.enum, null] } : nullable
}
