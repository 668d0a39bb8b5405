import { parseDocument } from 'yaml'
import { unknown } from './suggest.ts'
import { isSettingName, rowOf, settingNames } from './table.ts'
import type { Raw } from './values.ts'

/** What CONFIG_FILE holds, not yet checked beyond its names. */
export interface FileContents {
  raw: Raw
  upstreams: unknown
  keys: unknown
  faults: string[]
  /** Nothing could be made of it; so what it may hold cannot be said to be missing. */
  unread?: true
}

export type ReadFile = (path: string) => string

export const noFile: FileContents = { raw: {}, upstreams: undefined, keys: undefined, faults: [] }
const unreadable = (...faults: string[]): FileContents => ({ ...noFile, faults, unread: true })

const memberNames = [...settingNames, 'upstreams', 'keys']

/** Reads CONFIG_FILE, YAML or JSON (which is YAML too). Never throws: what is wrong is in `faults`. */
export function readConfigFile(path: string, readFile: ReadFile): FileContents {
  const { text, fault } = readText('CONFIG_FILE', path, readFile)
  if (fault !== undefined) return unreadable(fault)
  // A reload must not take a file that is being written for one that wants no keys of anybody any more.
  if (text.trim() === '')
    return unreadable(`CONFIG_FILE: ${path} is empty; put settings into it, or at least a comment`)
  // Without prettyErrors the messages quote no line of the file, which may hold a key.
  const document = parseDocument(text, { prettyErrors: false })
  if (document.errors.length > 0) {
    return unreadable(...document.errors.map(({ message, pos }) => `CONFIG_FILE: ${message} ${at(text, pos[0])}`))
  }
  const value = resolved(document)
  if (value === undefined) return unreadable(badAlias)
  if (value === null) return noFile
  if (typeof value !== 'object' || Array.isArray(value)) {
    return unreadable('CONFIG_FILE: is no mapping of settings such as "PORT: 3000"')
  }
  return sort(value)
}

const badAlias =
  'CONFIG_FILE: has an alias that names nothing, what it stands in, or too much; put quotes around a value that begins with *'

/** Undefined where aliases cannot be followed: only then does the parser learn of it, and throws. */
function resolved(document: ReturnType<typeof parseDocument>): unknown {
  try {
    const value: unknown = document.toJS()
    // What contains itself could neither be checked nor shown; this is what finds it.
    JSON.stringify(value)
    return value
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError) return undefined
    throw error
  }
}

/** Reads a file that a setting names; the fault says which setting, and why it could not be read. */
export function readText(setting: string, path: string, readFile: ReadFile): { text: string; fault?: string } {
  try {
    return { text: readFile(path) }
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : 'unknown reason'
    return { text: '', fault: `${setting}: cannot read ${path} (${why})` }
  }
}

function sort(value: object): FileContents {
  const contents: FileContents = { ...noFile, raw: {}, faults: [] }
  for (const [name, raw] of Object.entries(value)) {
    // A member without a value is a member that is not set.
    if (raw === null) continue
    if (name === 'upstreams' || name === 'keys') contents[name] = raw
    else if (!isSettingName(name)) contents.faults.push(`CONFIG_FILE: ${unknown('setting', name, memberNames)}`)
    else if (rowOf(name).environmentOnly)
      contents.faults.push(`CONFIG_FILE: ${name} can only be set in the environment`)
    else contents.raw[name] = raw
  }
  return contents
}

function at(text: string, position: number): string {
  return `(line ${text.slice(0, position).split('\n').length})`
}
