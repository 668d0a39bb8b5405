import { Ajv, type ErrorObject } from 'ajv'
import { formats } from './formats.ts'
import type { Row } from './rows.ts'
import type { ProxyKey, UpstreamEntry } from './settings.ts'
import { unknown } from './suggest.ts'
import { isSettingName, rowOf, settingNames } from './table.ts'

const count = { type: 'integer', minimum: 0 } as const
const textMap = { type: 'object', additionalProperties: { type: 'string' } } as const
const key = { type: 'string', minLength: 1, format: 'header-text' } as const

const upstream = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    name: { type: 'string', format: 'upstream-name' },
    url: { type: 'string', format: 'http-url' },
    key,
    weight: { type: 'number', minimum: 0, maximum: 1_000_000 },
    priority: { type: 'integer', minimum: 0, maximum: 1000 },
    models: {
      type: 'object',
      additionalProperties: false,
      properties: { map: textMap, allow: { type: 'array', minItems: 1, items: { type: 'string' } } },
    },
    headers: {
      type: 'object',
      propertyNames: { type: 'string', format: 'header-name' },
      additionalProperties: { type: 'string', format: 'header-value' },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: { concurrency: { type: 'integer', minimum: 1 } },
    },
  },
} as const

const proxyKey = {
  type: 'object',
  additionalProperties: false,
  required: ['key'],
  properties: {
    name: { type: 'string', format: 'client-name' },
    key,
    requests: count,
    tokens: count,
    concurrency: count,
  },
} as const

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true })
for (const [format, { check }] of Object.entries(formats)) ajv.addFormat(format, check)

const isProxyKeys = ajv.compile<ProxyKey[]>({ type: 'array', items: proxyKey })
const isUpstreams = ajv.compile<UpstreamEntry[]>({ type: 'array', minItems: 1, items: upstream })

/** The lists of a config file, [] when they are absent or broken; `faultsIn` says what is wrong with them. */
export function listsIn(file: { upstreams: unknown; keys: unknown }): { upstreams: UpstreamEntry[]; keys: ProxyKey[] } {
  return {
    upstreams: isUpstreams(file.upstreams) ? file.upstreams : [],
    keys: isProxyKeys(file.keys) ? file.keys : [],
  }
}

const check = ajv.compile({
  type: 'object',
  properties: {
    ...Object.fromEntries(settingNames.map((setting) => [setting, rowOf(setting).schema])),
    upstreams: isUpstreams.schema,
    keys: isProxyKeys.schema,
  },
})

export interface Fault {
  /** The setting or list at fault: `PORT`, `upstreams`. */
  at: string
  sentence: string
}

/** Checks values that already have their types, keyed by setting name, `upstreams` and `keys`; says all that is wrong. */
export function faultsIn(values: Readonly<Record<string, unknown>>): Fault[] {
  if (check(values)) return []
  // That a name is not as it should be is said by the rule that it breaks; this one only says so once more.
  const faults = (check.errors ?? []).filter(({ keyword }) => keyword !== 'propertyNames').map(toFault)
  // A value can break several rules of one row (minimum and type, say), which are one fault to its reader.
  return faults.filter((fault, index) => faults.findIndex((other) => other.sentence === fault.sentence) === index)
}

function toFault(error: ErrorObject): Fault {
  const [at = '', ...rest] = error.instancePath.split('/').slice(1).map(unescapePointer)
  const sentence = isSettingName(at)
    ? `${at}: ${shown(rowOf(at), error.data, rest[0])} is not ${right(rowOf(at), rest.length > 0)}`
    : `${[at, ...rest].reduce(step)}${memberFault(error)}`
  return { at, sentence }
}

/** What a value of this row looks like, for faults and documents. `item`: one entry of a list. */
export function right(row: Row<unknown>, item = false): string {
  const { minimum, maximum, enum: values } = row.schema
  const format = item ? row.schema.items?.format : row.schema.format
  const range = `from ${minimum} to ${maximum}`
  if (row.kind === 'integer') return `a whole number ${range}`
  if (row.kind === 'share') return `a number ${range}`
  if (row.kind === 'milliseconds') return `a number of milliseconds ${range}`
  if (row.kind === 'size') return `a size ${range} bytes, such as 20MiB`
  if (row.kind === 'flag') return 'true or false'
  if (row.kind === 'choice') return `one of ${values?.join(', ')}`
  if (row.kind === 'list' && !item) return 'a list'
  return format ? formats[format].right : 'text'
}

/** The value as a fault may quote it; what could be or hold a secret is only pointed at. */
function shown(row: Row<unknown>, value: unknown, entry: string | undefined): string {
  const place = entry === undefined ? 'its value' : `entry ${Number(entry) + 1}`
  if (row.secret || String(value).includes('@')) return place
  return typeof value === 'string' ? `"${value.split('?')[0]}"` : JSON.stringify(value)
}

function memberFault({ keyword, params, message, parentSchema, propertyName }: ErrorObject): string {
  if (keyword === 'additionalProperties') {
    return `: ${unknown('member', String(params.additionalProperty), Object.keys(parentSchema?.properties ?? {}))}`
  }
  if (keyword === 'required') return `: has no ${params.missingProperty}`
  // The name itself is not quoted: a header that was written as one text may have its key in it.
  const what = propertyName === undefined ? '' : ': one of its names'
  if (keyword === 'format') {
    return `${what} is not ${Object.entries(formats).find(([id]) => id === params.format)?.[1].right}`
  }
  return ` ${message}`
}

function step(path: string, part: string): string {
  return /^\d+$/.test(part) ? `${path}[${part}]` : `${path}.${part}`
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}
