import { type Loaded, weightOf } from './load.ts'

/** No upstream may have more than this many times its fair share under way. */
export const LOAD_BOUND = 1.25

/**
 * Rendezvous hashing with bounded load: each key ranks the upstreams by a hash of both, and goes to the first that still
 * has room. So an upstream that is lost moves only its own keys, one key that everybody uses cannot drown its upstream
 * (Mirrokni, Thorup, Zadimoghaddam 2016), and all workers agree without talking.
 */
export function hashBounded<T extends Loaded>(candidates: readonly T[], key: string): T {
  const keyHash = hashText(key)
  const room = roomIn(candidates)
  const ranked = candidates
    .filter((candidate) => candidate.inFlight < room(candidate))
    .map((candidate) => ({ candidate, score: score(candidate, keyHash) }))
  return ranked.reduce((best, next) => (next.score > best.score ? next : best)).candidate
}

/** How many requests each may have, counting the one to be placed. One at least always has room: the bound exceeds 1. */
function roomIn(candidates: readonly Loaded[]): (candidate: Loaded) => number {
  let requests = 1
  let weights = 0
  for (const candidate of candidates) {
    requests += candidate.inFlight
    weights += weightOf(candidate)
  }
  return (candidate) => Math.ceil((LOAD_BOUND * requests * weightOf(candidate)) / weights)
}

/** Weighted rendezvous: −w / ln(h), h even in (0, 1), so that each gets its weight's share of the keys. */
function score(candidate: Loaded, keyHash: number): number {
  const hash = mix(keyHash ^ hashText(candidate.config.name))
  return -weightOf(candidate) / Math.log((hash + 0.5) / 2 ** 32)
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

/** MurmurHash3's finalizer: without it, keys that differ in one digit would rank the upstreams nearly alike. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
