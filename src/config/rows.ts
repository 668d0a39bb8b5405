/** What this machine offers; some defaults follow from it. */
export interface Machine {
  /** Cores that this process may use, with cgroup limits counted. */
  cores: number
  /** Whether standard output is a terminal. */
  terminal: boolean
}

export type Kind = 'integer' | 'share' | 'milliseconds' | 'size' | 'flag' | 'text' | 'choice' | 'list'

/** What JSON Schema says of a value once it has its type; checked by ajv. */
export interface ValueSchema {
  readonly type: 'integer' | 'number' | 'boolean' | 'string' | 'array'
  readonly minimum?: number
  readonly maximum?: number
  readonly enum?: readonly string[]
  readonly format?: Format
  readonly minLength?: number
  readonly items?: { readonly type: 'string'; readonly format?: Format }
}

/** The forms of text that a setting or a member of the config file's lists can ask for; `formats.ts` checks each. */
export type Format =
  | 'http-url'
  | 'forward-proxy-url'
  | 'redis-url'
  | 'address-range'
  | 'host'
  | 'header-text'
  | 'proxy-key'
  | 'json-object'
  | 'upstream-name'
  | 'client-name'
  | 'header-name'
  | 'header-value'

interface Traits {
  /** Never printed, logged or quoted in a fault. */
  readonly secret?: true
  /** Meaningful only as an environment variable (Node itself reads it) or flag; a config file cannot hold it. */
  readonly environmentOnly?: true
  /** Used once, when the primary starts; a reload that changes it is refused. */
  readonly atStart?: true
  /** Other environment names for the same thing, which win over this one. */
  readonly aliases?: readonly string[]
}

/** One setting: everything that code, check, documents and `.env.example` need to know about it. */
export interface Row<Value> extends Traits {
  readonly kind: Kind
  readonly schema: ValueSchema
  readonly default: Value
  /** Replaces `default` where it depends on the machine, with how the documents describe it. */
  readonly computed?: { readonly from: (machine: Machine) => Value; readonly says: string }
  readonly says: string
}

const KIB = 1024
const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1000,
  KIB: KIB,
  MB: 1000 ** 2,
  MIB: KIB ** 2,
  GB: 1000 ** 3,
  GIB: KIB ** 3,
}

/** Bytes meant by `20971520` or `20MiB`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)\s*([a-zA-Z]*)$/.exec(text) ?? []
  const factor = units[unit?.toUpperCase() ?? 'none']
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor
}

/** A duration longer than this overflows Node's timers, which then fire at once. */
const LONGEST_MS = 2 ** 31 - 1

type Bounds = readonly [minimum: number, maximum: number]

export function integer(value: number, bounds: Bounds, says: string, traits: Traits = {}): Row<number> {
  return { kind: 'integer', schema: within('integer', bounds), default: value, says, ...traits }
}

export function share(value: number, says: string): Row<number> {
  return { kind: 'share', schema: within('number', [0, 1]), default: value, says }
}

export function milliseconds(value: number, minimum: number, says: string, traits: Traits = {}): Row<number> {
  return { kind: 'milliseconds', schema: within('integer', [minimum, LONGEST_MS]), default: value, says, ...traits }
}

export function size(value: string, minimum: number, says: string): Row<number> {
  const bytes = parseSize(value)
  if (bytes === undefined) throw new Error(`the table has a size that is none: ${value}`)
  return { kind: 'size', schema: within('integer', [minimum, 16 * KIB ** 3]), default: bytes, says }
}

export function flag(value: boolean, says: string): Row<boolean> {
  return { kind: 'flag', schema: { type: 'boolean' }, default: value, says }
}

export function choice<const Value extends string>(
  values: readonly Value[],
  value: NoInfer<Value>,
  says: string,
  traits: Traits = {},
): Row<Value> {
  return { kind: 'choice', schema: { type: 'string', enum: values }, default: value, says, ...traits }
}

/** Free text with a default. */
export function text(value: string, says: string, traits: Traits = {}, format?: Format): Row<string> {
  return { kind: 'text', schema: textSchema(format), default: value, says, ...traits }
}

/** Free text that may be missing. */
export function optional(says: string, traits: Traits = {}, format?: Format): Row<string | undefined> {
  return { kind: 'text', schema: textSchema(format), default: undefined, says, ...traits }
}

/** Comma-separated in the environment, a list in a config file. */
export function list(says: string, traits: Traits = {}, format?: Format): Row<readonly string[]> {
  const schema: ValueSchema = { type: 'array', items: { type: 'string', ...(format && { format }) } }
  return { kind: 'list', schema, default: [], says, ...traits }
}

/** The same row with a default that depends on the machine. */
export function computed<Value>(row: Row<Value>, says: string, from: (machine: Machine) => Value): Row<Value> {
  return { ...row, computed: { from, says } }
}

function textSchema(format: Format | undefined): ValueSchema {
  return { type: 'string', minLength: 1, ...(format && { format }) }
}

function within(type: 'integer' | 'number', [minimum, maximum]: Bounds): ValueSchema {
  return { type, minimum, maximum }
}
