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
}

export type ReadFile = (path: string) => string

export const noFile: FileContents = { raw: {}, upstreams: undefined, keys: undefined, faults: [] }

const memberNames = [...settingNames, 'upstreams', 'keys']

/** Reads CONFIG_FILE, YAML or JSON (which is YAML too). Never throws: what is wrong is in `faults`. */
export function readConfigFile(path: string, readFile: ReadFile): FileContents {
  const { text, fault } = readText('CONFIG_FILE', path, readFile)
  if (fault !== undefined) return { ...noFile, faults: [fault] }
  // Without prettyErrors the messages quote no line of the file, which may hold a key.
  const document = parseDocument(text, { prettyErrors: false })
  if (document.errors.length > 0) {
    return {
      ...noFile,
      faults: document.errors.map((error) => `CONFIG_FILE: ${error.message} ${at(text, error.pos[0])}`),
    }
  }
  const value: unknown = document.toJS()
  if (value === null) return noFile
  if (typeof value !== 'object' || Array.isArray(value)) {
    return { ...noFile, faults: ['CONFIG_FILE: is no mapping of settings such as "PORT: 3000"'] }
  }
  return sort(value)
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
