import type { Row } from './rows.ts'
import type { SettingName, settingsTable } from './table.ts'

/** `MAX_BODY_BYTES` → `maxBodyBytes`, for types; `memberOf` is the same for values. */
type Member<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Member<Tail>>}`
  : Lowercase<Name>

/**
 * Settings that are no member of `Settings`: what they hold arrives as `upstreams` and `proxyApiKeys`,
 * or is meant for Node itself.
 */
const notMembers = [
  'UPSTREAM_API_URL',
  'UPSTREAM_API_KEY',
  'UPSTREAM_API_KEY_FILE',
  'PROXY_API_KEYS',
  'PROXY_API_KEYS_FILE',
  'CONFIG_FILE',
  'NODE_ENV',
  'UV_THREADPOOL_SIZE',
] as const satisfies readonly SettingName[]

type Elsewhere = (typeof notMembers)[number]

const elsewhere: ReadonlySet<string> = new Set(notMembers)

/** Whether a setting is a member of `Settings`, under the name that `memberOf` gives. */
export function isMember(name: string): boolean {
  return !elsewhere.has(name)
}

type ValueOf<Name extends SettingName> = (typeof settingsTable)[Name] extends Row<infer Value> ? Value : never

/** Every setting of the table by its own name. */
export type Values = { readonly [Name in SettingName]: ValueOf<Name> }

type TableSettings = {
  readonly [Name in Exclude<SettingName, Elsewhere> as Member<Name>]: ValueOf<Name>
}

/** Where models are, and on what terms. */
export interface UpstreamConfig {
  /** Unique; shown in metrics, logs and the `x-proxy-upstream` header. */
  readonly name: string
  /** An http(s) address without credentials or fragment. */
  readonly url: string
  readonly key?: string
  /** Its share of requests among the upstreams of the same priority; one with 0 is asked only when no other can be. */
  readonly weight: number
  /** 0 is best; worse ones are used only while no better one can be. */
  readonly priority: number
  readonly models?: {
    /** The client's name for a model → the upstream's. */
    readonly map?: Readonly<Record<string, string>>
    /** The models offered; without it, all. */
    readonly allow?: readonly string[]
  }
  readonly headers?: Readonly<Record<string, string>>
  readonly limits?: { readonly concurrency?: number }
}

/** One client's key, and limits that replace the common ones for that client. 0 = no limit. */
export interface ProxyKey {
  /** What logs show instead of the key. Several keys may share it, and with it their limits. */
  readonly name?: string
  readonly key: string
  readonly requests?: number
  readonly tokens?: number
  readonly concurrency?: number
}

/** Everything configured, checked. Plain data: it crosses from the primary to the workers as a message. */
export interface Settings extends TableSettings {
  readonly upstreams: readonly UpstreamConfig[]
  readonly proxyApiKeys: readonly ProxyKey[]
}

/** An upstream as a config file writes it: only the url is needed. */
export type UpstreamEntry = Partial<UpstreamConfig> & Pick<UpstreamConfig, 'url'>

/** The member of `Settings` that a setting's name becomes. */
export function memberOf(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** The settings by their member names, without those that live elsewhere. */
export function membersOf(values: Values): TableSettings {
  const entries = Object.entries(values).filter(([name]) => isMember(name))
  // The same mapping as in the type, which TypeScript cannot follow through Object.fromEntries.
  return Object.fromEntries(entries.map(([name, value]) => [memberOf(name), value])) as TableSettings
}
