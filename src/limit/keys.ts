import { hash, timingSafeEqual } from 'node:crypto'
import { networkOf } from './addresses.ts'
import type { Caps } from './counters.ts'

/** One configured proxy key. Numbers of its own replace those for everybody. */
export interface KeyEntry extends Partial<Caps> {
  readonly name?: string
  readonly key: string
}

/** The proxy's own keys. The keys themselves are not kept, only their digests. */
export interface Keyring {
  readonly size: number
  /** The client's name for a key that is known here. */
  identify(presented: string): string | undefined
  /** The clients that have limits of their own, by name. */
  readonly limits: ReadonlyMap<string, Partial<Caps>>
}

/** What a name may look like: it is shown in logs and is part of a key in Redis. */
const namePattern = /^[A-Za-z0-9][\w.@-]{0,63}$/

/**
 * Takes in the configured keys. Several may share a name, and with it their limits: this is how a key is replaced
 * without a gap.
 * Throws an Error that names the entry by its position, never by its key.
 */
export function keyring(entries: readonly KeyEntry[]): Keyring {
  const known = entries.map(({ name, key, ...own }, index) => {
    // An empty key would let in everybody who sends an empty one.
    if (key === '') throw new Error(`Proxy key ${index + 1} is empty. Write it as key or name:key.`)
    if (name !== undefined && !namePattern.test(name)) {
      throw new Error(`The name of proxy key ${index + 1} may have letters, digits, "_", ".", "@" and "-" only.`)
    }
    return { name: name ?? keyName(key), digest: digestOf(key), own: numbersOf(own) }
  })
  return {
    size: known.length,
    identify(presented) {
      const digest = digestOf(presented)
      let name: string | undefined
      // Every entry is compared, so that the time taken does not tell how far a guess got.
      for (const entry of known) {
        if (timingSafeEqual(entry.digest, digest)) name = entry.name
      }
      return name
    },
    limits: limitsByName(known),
  }
}

/**
 * How a key without a name is shown: a prefix of its SHA-256 digest, too short to be tested for the key itself.
 * Not `key-…`: some providers' keys begin so, and the log would blot it out.
 */
export function keyName(key: string): string {
  return `sha256-${hash('sha256', key, 'hex').slice(0, 12)}`
}

/** How a client without a key is shown, and its limits are counted. */
export function addressName(address: string | undefined): string {
  return `ip-${address === undefined ? 'unknown' : networkOf(address)}`
}

/** Digests have one length whatever the key's, which timingSafeEqual needs and which hides the key's length. */
function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

function numbersOf({ requests, tokens, concurrency }: Partial<Caps>): Partial<Caps> {
  return {
    ...(requests === undefined ? {} : { requests }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(concurrency === undefined ? {} : { concurrency }),
  }
}

/** Keys that share a name share one count, so two numbers for it could not both hold. */
function limitsByName(known: readonly { name: string; own: Partial<Caps> }[]): Map<string, Partial<Caps>> {
  const limits = new Map<string, Partial<Caps>>()
  for (const { name, own } of known) {
    const before = limits.get(name)
    if (before && JSON.stringify(before) !== JSON.stringify(own)) {
      throw new Error(`The proxy keys named "${name}" have different limits. Give them the same, or two names.`)
    }
    limits.set(name, own)
  }
  for (const [name, own] of limits) if (Object.keys(own).length === 0) limits.delete(name)
  return limits
}
