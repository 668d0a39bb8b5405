import { parseSize, type Row } from './rows.ts'
import { distance, nearest, unknown } from './suggest.ts'
import { isSettingName, rowOf, type SettingName, settingNames } from './table.ts'

/** A setting as one source gives it: text from the environment and flags, anything from a config file. */
export type Raw = Partial<Record<SettingName, unknown>>

export type Environment = Readonly<Record<string, string | undefined>>

/** The settings that the environment has. A variable that is set to nothing counts as not set, as Compose writes it. */
export function fromEnvironment(env: Environment): Raw {
  const raw: Raw = {}
  for (const name of settingNames) {
    const names = [...(rowOf(name).aliases ?? []), name]
    const found = names.map((candidate) => env[candidate]?.trim()).find(Boolean)
    if (found !== undefined) raw[name] = found
  }
  return raw
}

/** What only this program's settings begin with; a variable of another program must not keep this one from starting. */
const families = ['UPSTREAM_', 'RATE_LIMIT_', 'BREAKER_', 'PROXY_', 'ADMIN_', 'RETRY_', 'LOAD_BALANC', 'MAX_', 'PROBE_']

/** Kubernetes and Docker describe a service named `proxy` or `upstream` in variables of this form. */
const injected = /_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP)(_|$)|$)/

/** Of other names only long ones that are all but the same: `REDIS_URI` is mostly another program's. */
const LONG = 12
const MAX_SLIPS = 2

/** Variables that look like one of this program's settings, but for a slip. */
export function slipsIn(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => !isSettingName(name))
    .filter((name) => families.some((family) => name.startsWith(family)) || isAllButTheSame(name))
    .filter((name) => !injected.test(name) && nearest(name, settingNames) !== undefined)
    .map((name) => unknown('setting', name, settingNames))
}

function isAllButTheSame(name: string): boolean {
  if (name.length < LONG) return false
  return settingNames.some(
    (known) => Math.abs(known.length - name.length) <= MAX_SLIPS && distance(name, known) <= MAX_SLIPS,
  )
}

/**
 * Gives a raw value the type that its row asks for. What cannot be converted stays as it is, so that the schema
 * refuses it and the fault can quote what was written.
 */
export function convert(row: Row<unknown>, raw: unknown): unknown {
  if (row.kind === 'list') return typeof raw === 'string' ? entries(raw, row.secret === true) : raw
  // In a file an object is written as one, and need not be packed into text as for the environment.
  if (row.schema.format === 'json-object' && typeof raw === 'object') return JSON.stringify(raw)
  if (typeof raw !== 'string') return raw
  if (row.kind === 'flag') return toFlag(raw)
  if (row.kind === 'size') return parseSize(raw) ?? raw
  return row.schema.type === 'integer' || row.schema.type === 'number' ? toNumber(raw) : raw
}

/** Keys keep their empty entries: in UPSTREAM_API_KEY these stand for an upstream that has none. */
function entries(text: string, keepEmpty: boolean): string[] {
  const parts = text.split(',').map((part) => part.trim())
  return keepEmpty ? parts : parts.filter((part) => part !== '')
}

function toNumber(text: string): number | string {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function toFlag(text: string): boolean | string {
  if (/^(true|1|yes|on)$/i.test(text)) return true
  return /^(false|0|no|off)$/i.test(text) ? false : text
}
