import type { ErrorObject } from 'ajv'

/** What is wrong with a request, fit to be shown: never the value of a string. */
export interface Fault {
  /** The member at fault as OpenAI writes it: `messages[2].content[0].image_url.url`. Absent for the body itself. */
  param?: string
  message: string
}

const typeNames: Record<string, string> = {
  string: 'a string',
  boolean: 'a boolean',
  integer: 'an integer',
  number: 'a number',
  object: 'an object',
  array: 'an array',
  null: 'null',
}

/**
 * Says in OpenAI's manner what ajv found.
 * @param error ajv's first error, made with `verbose`
 * @param body the request that was checked
 */
export function explain(error: ErrorObject, body: unknown): Fault {
  const path = pathOf(error.instancePath, body)
  if (error.keyword === 'required') {
    const param = join(path, error.params.missingProperty, false)
    return { param, message: `Missing required parameter: '${param}'.` }
  }
  if (path === '') return { message: `The request body must be a JSON object, but it is ${nameOf(error.data)}.` }
  return { param: path, message: sentence(error, path) }
}

function sentence(error: ErrorObject, path: string): string {
  const { keyword, params, data } = error
  switch (keyword) {
    case 'type':
      return `Invalid type for '${path}': expected ${expected(error)}, but got ${nameOf(data)} instead.`
    case 'enum':
      return `Invalid value for '${path}': expected one of ${quoted(params.allowedValues)}.`
    case 'minimum':
      return `Invalid value for '${path}': expected a value of at least ${params.limit}, but got ${data} instead.`
    case 'maximum':
      return `Invalid value for '${path}': expected a value of at most ${params.limit}, but got ${data} instead.`
    case 'minLength':
      return `Invalid value for '${path}': expected a string that is not empty.`
    case 'minItems':
      return `Invalid value for '${path}': expected an array that is not empty.`
    default:
      return `Invalid value for '${path}'.`
  }
}

function expected(error: ErrorObject): string {
  // `null` is left out: it counts as absent, which is no answer to the question what to send.
  const names = [error.params.type].flat().filter((type) => type !== 'null')
  const items = error.parentSchema?.items?.type === 'object' ? 'an array of objects' : 'an array'
  return orList(names.map((type) => (type === 'array' ? items : (typeNames[type] ?? type))))
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'number') return typeNames[typeof value] ?? typeof value
  // JSON may write numbers that no double can hold: 1e999.
  if (!Number.isFinite(value)) return 'a number out of range'
  return Number.isInteger(value) ? 'an integer' : 'a decimal'
}

function orList(names: string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`
}

function quoted(values: unknown[]): string {
  return orList(values.filter((value) => value !== null).map((value) => `'${value}'`))
}

/** Turns a JSON pointer into OpenAI's notation. The body tells an array's index from a member named by digits. */
function pathOf(pointer: string, body: unknown): string {
  let path = ''
  let at: unknown = body
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    path = join(path, key, Array.isArray(at))
    at = typeof at === 'object' && at !== null ? Object.getOwnPropertyDescriptor(at, key)?.value : undefined
  }
  return path
}

function join(path: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${key}]`
  // Members of `logit_bias` are named by the client; the cut keeps a long one out of messages and logs.
  const name = key.slice(0, 64)
  return path === '' ? name : `${path}.${name}`
}
