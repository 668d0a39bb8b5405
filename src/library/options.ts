import type { FileContents } from '../config/file.ts'
import { type Loaded, settle } from '../config/load.ts'
import { isMember, memberOf, type ProxyKey, type Settings, type UpstreamEntry } from '../config/settings.ts'
import { unknown } from '../config/suggest.ts'
import { isSettingName, type SettingName, settingNames } from '../config/table.ts'
import type { LogLine } from '../telemetry/embedded-log.ts'

/** Settings of the program around the app, which an embedding program does for itself. */
const ofTheProgram = [
  'PORT',
  'HOST',
  'WORKERS',
  'ADMIN_PORT',
  'ADMIN_HOST',
  'ADMIN_TOKEN',
  'MAX_HEAP_MB',
  'LOG_FORMAT',
  'LOG_DIR',
  'STATS_INTERVAL_MS',
] as const satisfies readonly SettingName[]

type OfTheProgram =
  | 'port'
  | 'host'
  | 'workers'
  | 'adminPort'
  | 'adminHost'
  | 'adminToken'
  | 'maxHeapMb'
  | 'logFormat'
  | 'logDir'
  | 'statsIntervalMs'

type Tunable = Omit<Settings, OfTheProgram | 'upstreams' | 'proxyApiKeys'>

/** The settings of docs/configuration.md in camel case: MAX_BODY_BYTES is maxBodyBytes. The environment is not read. */
export type ProxyOptions = { readonly [Name in keyof Tunable]?: Tunable[Name] | undefined } & {
  /** Where the models are: addresses, or entries with a key, a weight and the rest. One at least. */
  readonly upstreams: string | UpstreamEntry | readonly (string | UpstreamEntry)[]
  /** Keys of which a client needs one; none: no key is asked for. */
  readonly keys?: readonly ProxyKey[] | undefined
  /** Takes the log's lines; without it nothing is logged. Must not throw. */
  readonly onLog?: ((line: LogLine) => void) | undefined
  /** Whether this process's own OpenTelemetry writes the trace context into what undici sends. */
  readonly traced?: boolean | undefined
}

const own: ReadonlySet<string> = new Set(ofTheProgram)
const tunable = settingNames.filter((name) => isMember(name) && !own.has(name))
const names = new Map(tunable.map((name) => [memberOf(name), name]))
const optionNames = [...names.keys(), 'upstreams', 'keys', 'onLog', 'traced']

const missing = 'upstreams: is missing; give the address of your upstream, such as https://api.example.com/v1'

/** The settings that the options amount to, or all that is wrong with them, by the same table as the program's. */
export function settingsFrom({ upstreams, keys, onLog, traced, ...rest }: ProxyOptions): Loaded {
  const entries = [upstreams ?? []].flat().map((entry) => (typeof entry === 'string' ? { url: entry } : entry))
  const file: FileContents = {
    raw: { ...rawOf(rest), WORKERS: 0 },
    upstreams: entries.length > 0 ? entries : undefined,
    keys,
    faults: [...unknownIn(rest), ...wrongTypes({ onLog, traced })],
  }
  const { settings, faults } = settle({}, file, { readFile, machine: { cores: 1, terminal: false } })
  const told = faults.map((fault) => (fault.startsWith('UPSTREAM_API_URL: is missing') ? missing : inCamelCase(fault)))
  return told.length > 0 ? { faults: told } : { settings }
}

function rawOf(rest: object): FileContents['raw'] {
  const given = Object.entries(rest).flatMap(([option, value]) => {
    const name = names.get(option)
    return name === undefined || value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(given)
}

function unknownIn(rest: object): string[] {
  return Object.keys(rest)
    .filter((option) => !names.has(option))
    .map((option) => unknown('option', option, optionNames))
}

/** JavaScript's callers have no types to stop them. */
function wrongTypes({ onLog, traced }: { onLog: unknown; traced: unknown }): string[] {
  return [
    ...(onLog === undefined || typeof onLog === 'function' ? [] : ['onLog: is not a function']),
    ...(traced === undefined || typeof traced === 'boolean' ? [] : ['traced: is not true or false']),
  ]
}

function inCamelCase(fault: string): string {
  return fault.replaceAll(/\b[A-Z][A-Z0-9_]+\b/g, (word) => {
    if (word === 'UPSTREAM_API_URL' || word === 'UPSTREAM_API_KEY') return 'upstreams'
    return isSettingName(word) ? memberOf(word) : word
  })
}

/** No option names a file. */
function readFile(path: string): never {
  throw new Error(`an option made the proxy read ${path}`)
}
