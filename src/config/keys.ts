import { type ReadFile, readText } from './file.ts'
import type { ProxyKey } from './settings.ts'
import type { Raw } from './values.ts'

/**
 * Lines of a key file, or entries of one line; `#` begins a comment. Where the CR of an editor under Windows stayed, a
 * comment would not end with its line, and be a key.
 */
function keysIn(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .flatMap((line) => line.split(',').map((entry) => entry.trim()))
}

const settings = ['UPSTREAM_API_KEY', 'PROXY_API_KEYS'] as const

/**
 * Puts the contents of the `…_FILE` settings (as secrets are mounted) in the place of the settings that they stand for,
 * so that both are checked alike. Both at once is a fault: one would be ignored, and nobody could tell which.
 */
export function withKeyFiles(given: Raw, readFile: ReadFile): { given: Raw; faults: string[] } {
  const result: { given: Raw; faults: string[] } = { given: { ...given }, faults: [] }
  for (const setting of settings) {
    const path = given[`${setting}_FILE`]
    if (typeof path !== 'string') continue
    if (given[setting] !== undefined) {
      result.faults.push(`${setting}: is set, and ${setting}_FILE too; set one of them`)
      continue
    }
    const { text, fault } = readText(`${setting}_FILE`, path, readFile)
    const keys = keysIn(text)
    if (fault !== undefined) result.faults.push(fault)
    else if (keys.some((key) => key !== '')) result.given[setting] = keys
    // Without any, whoever comes would be let in, or would have to bring a key: a file half written must not do that.
    else result.faults.push(`${setting}_FILE: ${path} has no key in it; write one, or leave the setting out`)
  }
  return result
}

/** Lists that keep strangers out, and let everybody in when they are empty. */
const guards = ['PROXY_API_KEYS', 'IP_ALLOWLIST'] as const

/** The faults of guards that are given and hold nothing, as a template does whose variables are not set. */
export function openGuards(raw: Raw): string[] {
  return guards.flatMap((name) => {
    const nothing = nothingBut(raw[name])
    if (nothing === undefined) return []
    return [`${name}: has nothing but ${nothing}, which would let everybody in; fill it, or leave it out`]
  })
}

/** An empty text is a variable that is not set, and an empty list says what it means. */
function nothingBut(given: unknown): string | undefined {
  if (typeof given === 'string' && /^[\s,]+$/.test(given)) return 'commas'
  return Array.isArray(given) && given.length > 0 && given.every((entry) => entry === '') ? 'empty entries' : undefined
}

/** `name:key` or `key`; the first colon ends the name. */
export function parseProxyKey(entry: string): ProxyKey {
  const colon = entry.indexOf(':')
  return colon < 0 ? { key: entry } : { name: entry.slice(0, colon).trim(), key: entry.slice(colon + 1).trim() }
}
