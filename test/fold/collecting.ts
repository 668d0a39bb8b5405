import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { cutAtRandom, seededRandom } from '../support/split.ts'
import { type ApiName, CAP, collect, type Folded, foldedOf } from './folding.ts'

export const encoders = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync, deflate: deflateSync }

/** Folds a body as it would be read from an upstream that compressed it, its bytes in small random pieces. */
export async function foldCompressed(api: ApiName, encoding: keyof typeof encoders, body: Buffer): Promise<Folded> {
  const pieces = cutAtRandom(encoders[encoding](body), seededRandom(body.length), 16)
  const { fold, ending } = collect(api, pieces, CAP, { 'content-encoding': encoding })
  return foldedOf(fold, await ending.over.promise)
}
