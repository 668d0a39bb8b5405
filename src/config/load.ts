import { readCommand } from './command.ts'
import { type FileContents, noFile, type ReadFile, readConfigFile } from './file.ts'
import { openGuards, parseProxyKey, withKeyFiles } from './keys.ts'
import type { Machine } from './rows.ts'
import { brokenRules } from './rules.ts'
import { faultsIn, listsIn } from './schema.ts'
import { membersOf, type Settings, type Values } from './settings.ts'
import { rowOf, settingNames } from './table.ts'
import { buildUpstreams, doubledNames } from './upstreams.ts'
import { convert, type Environment, fromEnvironment, type Raw, slipsIn } from './values.ts'

export interface Sources {
  env: Environment
  /** The command line without the program: `process.argv.slice(2)`. */
  argv: readonly string[]
  /** Returns a file's text, or throws. */
  readFile: ReadFile
  machine: Machine
  /** Why the environment may lack something: its file could not be read. */
  fault?: string
}

export type Loaded = { settings: Settings } | { faults: string[] }

/**
 * Reads all settings: flags win over the environment, which wins over CONFIG_FILE, which wins over defaults.
 * Never throws. `faults` has everything that is wrong, each with the setting's name and what would be right.
 */
export function loadSettings({ env, argv, readFile, machine, fault }: Sources): Loaded {
  const command = readCommand(argv)
  const here: Raw = { ...fromEnvironment(env), ...command.flags }
  const file = typeof here.CONFIG_FILE === 'string' ? readConfigFile(here.CONFIG_FILE, readFile) : noFile
  const { settings, faults } = settle(here, file, { readFile, machine })
  const all = [...(fault === undefined ? [] : [fault]), ...command.faults, ...slipsIn(env), ...faults]
  return all.length > 0 ? { faults: all } : { settings }
}

/**
 * Checks what was read and puts the settings together; `here` wins over `file`. Never throws. With faults the settings
 * are only good for finding further ones.
 */
export function settle(
  here: Raw,
  file: FileContents,
  { readFile, machine }: Pick<Sources, 'readFile' | 'machine'>,
): { settings: Settings; faults: string[] } {
  const raw = { ...file.raw, ...here }
  const { given, faults: unreadable } = withKeyFiles(typed(raw), readFile)
  const wrong = faultsIn({ ...given, ...listsOf(file) })
  // What is wrong has been said; from here on its default stands in, so that the rest can still be checked.
  const broken = new Set(wrong.map(({ at }) => at))
  const assembled = assemble(withDefaults(given, broken, machine), file, broken)
  const faults = [
    ...file.faults,
    ...openGuards(raw),
    ...unreadable,
    ...wrong.map(({ sentence }) => sentence),
    ...assembled.faults,
  ]
  return { settings: assembled.settings, faults }
}

function typed(raw: Raw): Raw {
  const entries = settingNames.filter((name) => name in raw).map((name) => [name, convert(rowOf(name), raw[name])])
  return Object.fromEntries(entries)
}

function listsOf({ upstreams, keys }: FileContents): Record<string, unknown> {
  return { ...(upstreams !== undefined && { upstreams }), ...(keys !== undefined && { keys }) }
}

function withDefaults(given: Raw, broken: ReadonlySet<string>, machine: Machine): Values {
  const entries = settingNames.map((name) => {
    const row = rowOf(name)
    const usable = name in given && !broken.has(name)
    return [name, usable ? given[name] : row.computed ? row.computed.from(machine) : row.default]
  })
  // Each value is a default of the table, or one that the table's schema has just admitted.
  return Object.fromEntries(entries) as Values
}

function assemble(values: Values, file: FileContents, broken: ReadonlySet<string>) {
  const lists = listsIn(file)
  const mayBeThere = file.unread === true && values.UPSTREAM_API_URL.length === 0
  const unsure = mayBeThere || ['upstreams', 'UPSTREAM_API_URL', 'UPSTREAM_API_KEY'].some((name) => broken.has(name))
  const { upstreams, faults } = unsure
    ? { upstreams: [], faults: doubledNames(namedIn(file.upstreams)) }
    : buildUpstreams({ urls: values.UPSTREAM_API_URL, keys: values.UPSTREAM_API_KEY, entries: lists.upstreams })
  const own = values.PROXY_API_KEYS.filter((entry) => entry !== '').map(parseProxyKey)
  const settings: Settings = { ...membersOf(values), upstreams, proxyApiKeys: own.length > 0 ? own : lists.keys }
  return { settings, faults: [...faults, ...brokenRules(settings)] }
}

function namedIn(list: unknown): { name: string }[] {
  const isNamed = (entry: unknown): entry is { name: string } =>
    typeof entry === 'object' && entry !== null && 'name' in entry && typeof entry.name === 'string'
  return Array.isArray(list) ? list.filter(isNamed) : []
}
