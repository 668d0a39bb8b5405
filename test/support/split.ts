/** A repeatable source of numbers from 0 up to, not including, 1: the mulberry32 generator, which is short and even enough. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The bytes in pieces of 1 to `longest` bytes, chosen by `random`. */
export function cutAtRandom(bytes: Buffer, random: () => number, longest: number): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + 1 + Math.floor(random() * longest))
    chunks.push(bytes.subarray(at, next))
    at = next
  }
  return chunks
}

/** The bytes one at a time: the worst that a network can do. */
export function cutPerByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
}

/**
 * The ways in which a body can arrive, each as the list of its chunks: whole, cut in two at every byte position,
 * byte by byte, and in random pieces. A reader of streams must make the same of all of them.
 *
 * @param seed of the random cutting, so that a failure can be seen again
 */
export function* everyCut(bytes: Buffer, seed = 1): Generator<Buffer[], void, undefined> {
  yield [bytes]
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
  yield cutPerByte(bytes)
  yield cutAtRandom(bytes, seededRandom(seed), 16)
}
