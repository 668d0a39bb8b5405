import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib'
import { ProxyError } from '../errors.ts'
import { chain, type Inflater } from './chain.ts'
import type { Coding, InflateSink } from './stage.ts'

export type { Inflater } from './chain.ts'

/** Not compressed. Servers of event streams name none, or a charset, so that proxies on the way leave the bytes alone. */
const nothing: ReadonlySet<string> = new Set(['', 'identity', 'none', 'utf-8', 'utf8'])

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
 * @param encoding a list where the header came on several lines, which are one (RFC 9110 section 5.3)
 * @param sink what its `data` and `end` throw comes back by `fail`: they run in the decoder's turn of the event loop,
 *   where an uncaught error would end the process
 * @throws ProxyError `upstream_invalid` for a coding that is not known
 */
export function createInflater(encoding: string | string[] | undefined, sink: InflateSink): Inflater | undefined {
  if (encoding === undefined) return undefined
  const names = String(encoding)
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !nothing.has(name))
  const known = names.map((name) => codings.get(name)).filter((coding) => coding !== undefined)
  if (known.length < names.length || known.length > MAX_CODINGS) {
    throw new ProxyError('upstream_invalid', {
      message: 'The upstream compressed its answer in a way that this proxy cannot read.',
    })
  }
  return known.length === 0 ? undefined : chain(known, sink)
}
