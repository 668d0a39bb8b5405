import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'
import { ProxyError, toProxyError } from '../errors.ts'
import { type Coding, type InflateSink, Stage } from './stage.ts'

/** Decompresses one body, giving out at once whatever each chunk yields. */
export interface Inflater {
  /** Returns false when no more should be pushed before `sink.drain`. */
  push(chunk: Buffer): boolean
  /** The body has ended. Calls `sink.end` before it returns if the body was empty, else later. */
  end(): void
  /** Frees the native handles; the sink is not called any more. */
  destroy(): void
}

/** Each one costs the memory of its window, and no server stacks more. */
const MAX_CODINGS = 3

/** 8 MiB, the most that HTTP allows (RFC 9659); without it an upstream could make each stream hold 128 MiB. */
const ZSTD_WINDOW_LOG = 23

const gzip: Coding = { open: () => createGunzip(), several: false }

const codings = new Map<string, Coding>([
  ['gzip', gzip],
  ['x-gzip', gzip],
  ['br', { open: () => createBrotliDecompress(), several: false }],
  // Should be zlib's format (RFC 9110 section 8.4.1.2), but some servers send the bare one; browsers take both.
  ['deflate', { open: (first) => (isZlib(first) ? createInflate() : createInflateRaw()), several: false }],
  [
    'zstd',
    {
      open: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
      several: true,
    },
  ],
])

/** The low half of zlib's first byte is 8; in bare deflate that would be a stored block with padding that is not zero. */
function isZlib(first: Buffer): boolean {
  return ((first[0] as number) & 0x0f) === 8
}

/**
 * Makes a decompressor for a `content-encoding`, or returns undefined where there is nothing to decompress. Several
 * codings, listed as they were applied, are undone from the last to the first (RFC 9110 section 8.4).
 *
 * What follows the end mark of br and deflate is not read. gzip and zstd bodies may be several, one after another;
 * anything else behind them, but for zeros behind gzip, is `upstream_invalid`.
 *
 * @param sink what its `data` and `end` throw comes back by `fail`: they run in the decoder's turn of the event loop,
 *   where an uncaught error would end the process
 * @throws ProxyError `upstream_invalid` for a coding that is not known
 */
export function createInflater(encoding: string | undefined, sink: InflateSink): Inflater | undefined {
  if (encoding === undefined) return undefined
  const names = encoding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  const known = names.map((name) => codings.get(name)).filter((coding) => coding !== undefined)
  if (known.length < names.length || known.length > MAX_CODINGS) {
    throw new ProxyError('upstream_invalid', {
      message: 'The upstream compressed its answer in a way that this proxy cannot read.',
    })
  }
  return known.length === 0 ? undefined : chain(known, sink)
}

/** One stage a coding; the first coding's gives to the sink, each other one's to the stage before it. */
function chain(known: readonly Coding[], sink: InflateSink): Inflater {
  const stages: Stage[] = []
  const destroy = () => {
    for (const stage of stages) stage.destroy()
  }
  const last = guarded(sink, destroy)
  for (const [at, coding] of known.entries()) stages.push(new Stage(coding, outlet(stages, at, last)))
  const first = stages.at(-1) as Stage
  return { push: (chunk) => first.push(chunk), end: () => first.end(), destroy }
}

/** Where the stage at this place gives its bytes. */
function outlet(stages: readonly Stage[], at: number, last: InflateSink): InflateSink {
  const next = stages[at - 1]
  return {
    data(chunk) {
      if (!next) last.data(chunk)
      else if (!next.push(chunk)) stages[at]?.pause()
    },
    end: () => (next ? next.end() : last.end()),
    fail: last.fail,
    drain() {
      const feeder = stages[at + 1]
      if (feeder) feeder.resume()
      else last.drain()
    },
  }
}

/** The sink, with all handles freed before its last call, and with what it throws given back to it. */
function guarded(sink: InflateSink, destroy: () => void): InflateSink {
  const fail = (error: ProxyError) => {
    destroy()
    sink.fail(error)
  }
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (thrown) {
      fail(toProxyError(thrown))
    }
  }
  return {
    data: (chunk) => attempt(() => sink.data(chunk)),
    end() {
      destroy()
      attempt(() => sink.end())
    },
    fail,
    drain: () => sink.drain(),
  }
}
