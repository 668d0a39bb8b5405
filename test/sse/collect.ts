import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { bytesOf, decode, withoutMark } from '../../src/sse/bytes.ts'
import { createInflater } from '../../src/sse/inflate.ts'
import { createParser } from '../../src/sse/parse.ts'
import type { InflateSink } from '../../src/sse/stage.ts'

export type Event = [data: string, name: string]

/** What a reader made of a body: the events in order, and the code of the error that ended it, if one did. */
export interface Reading {
  events: Event[]
  failure: string | undefined
}

/** Reads a body that came in these chunks, from bytes to events. Errors that are no ProxyError are not caught. */
export function read(chunks: readonly Buffer[], maxEventBytes = 1_000_000): Reading {
  const reading: Reading = { events: [], failure: undefined }
  const parser = createParser((data, name) => reading.events.push([decode(data), decode(name)]), { maxEventBytes })
  try {
    // Whoever sniffs holds the first bytes back until it has seen enough, so that a mark is never cut.
    const first = chunks.findIndex((_, at) => Buffer.concat(chunks.slice(0, at + 1)).length >= 3)
    const held = first < 0 ? chunks.length : first + 1
    parser.push(withoutMark(bytesOf(Buffer.concat(chunks.slice(0, held)))))
    for (const chunk of chunks.slice(held)) parser.push(bytesOf(chunk))
    parser.end()
  } catch (thrown) {
    if (!(thrown instanceof ProxyError)) throw thrown
    reading.failure = thrown.code
  }
  return reading
}

/** What came out of a decompressor, and the code of the error that ended it, if one did. */
export interface Inflated {
  chunks: Buffer[]
  failure: string | undefined
}

/** Decompresses a body that came in these chunks, waiting where the inflater wants it. */
export async function inflate(encoding: string | string[], chunks: readonly Buffer[]): Promise<Inflated> {
  const out: Inflated = { chunks: [], failure: undefined }
  const over = Promise.withResolvers<void>()
  let drained = Promise.withResolvers<void>()
  const inflater = createInflater(encoding, {
    data: (chunk) => out.chunks.push(chunk),
    end: () => over.resolve(),
    fail(error) {
      out.failure = error.code
      over.resolve()
    },
    drain: () => drained.resolve(),
  })
  if (!inflater) return { chunks: [...chunks], failure: undefined }
  for (const chunk of chunks) {
    drained = Promise.withResolvers<void>()
    if (!inflater.push(chunk)) await Promise.race([drained.promise, over.promise])
  }
  inflater.end()
  await over.promise
  return out
}

/** A sink that fails the test on whatever it is not told to expect. */
export function expecting(expected: Partial<InflateSink>): InflateSink {
  return { data: unexpected, end: unexpected, fail: unexpected, drain: unexpected, ...expected }
}

function unexpected(): never {
  assert.fail('this was not to be called')
}
