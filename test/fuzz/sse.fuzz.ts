/**
 * Looks for bodies that make the SSE layer crash, throw anything but a ProxyError, hang, or give another result when
 * they are cut differently: `node test/fuzz/sse.fuzz.ts --seconds 60 --seed 1`. A failure prints its own seed, under
 * which it is the first case of a new run, and the body; the exit code is then 1.
 */
import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import * as zlib from 'node:zlib'
import { inflate, read } from '../sse/collect.ts'
import { cutAtRandom, cutPerByte, seededRandom } from '../support/split.ts'

type Random = () => number

interface Case {
  encoding: string
  bytes: Buffer
  maxEventBytes: number
}

/** A decompressor that waits for ever is a failure, too. */
const HANG_MS = 20_000

const tokens = ['data', 'event', 'id', 'retry', ':', ': ', ' ', '\n', '\r', '\r\n', '\n\n', '\uFEFF', '\0', '[DONE]']
const events = ['data: {"a":"世"}\n\n', 'data: a\n', 'data:b\r\n\r\n', 'event: error\n', ': comment\n', 'data: 😀é\r\r']

const compressors: Record<string, (bytes: Buffer) => Buffer> = {
  '': (bytes) => bytes,
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  'deflate,identity': (bytes) => zlib.deflateRawSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
  'gzip, zstd': (bytes) => zlib.zstdCompressSync(zlib.gzipSync(bytes)),
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T
}

/** A body of random bytes, of the format's tokens, or of whole events; now and then a long one, to pass every buffer. */
function makeBody(random: Random): Buffer {
  const length = random() < 0.02 ? 5000 : below(random, 60)
  if (random() < 0.2) return Buffer.from(Array.from({ length }, () => below(random, 256)))
  const from = pick(random, [tokens, events, [...tokens, ...events]])
  return Buffer.from(Array.from({ length }, () => pick(random, from)).join(''))
}

/** A changed byte, a missing or repeated stretch, or an end cut off. */
function mutate(bytes: Buffer, random: Random): Buffer {
  const at = below(random, bytes.length)
  const to = at + below(random, bytes.length - at + 1)
  const [before, stretch, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
  switch (below(random, 4)) {
    case 0:
      return Buffer.concat([before, Buffer.of(below(random, 256)), bytes.subarray(at + 1)])
    case 1:
      return Buffer.concat([before, after])
    case 2:
      return Buffer.concat([before, stretch, stretch, after])
    default:
      return before
  }
}

function makeCase(random: Random): Case {
  const encoding = random() < 0.5 ? '' : pick(random, Object.keys(compressors))
  const compress = compressors[encoding] as (bytes: Buffer) => Buffer
  let bytes = compress(makeBody(random))
  // Several compressed bodies in a row are one, for gzip and zstd.
  if (random() < 0.1) bytes = Buffer.concat([bytes, compress(makeBody(random))])
  while (random() < 0.4 && bytes.length > 0) bytes = mutate(bytes, random)
  return { encoding, bytes, maxEventBytes: random() < 0.3 ? 1 + below(random, 40) : 1_000_000 }
}

/** The same body in the cuts that are compared. */
function cuttings(bytes: Buffer, random: Random): Buffer[][] {
  const longest = 1 + below(random, 50)
  return [[bytes], cutAtRandom(bytes, random, longest), ...(bytes.length < 2000 ? [cutPerByte(bytes)] : [])]
}

/**
 * What a body gives in the end. The bytes that came before a failure may be fewer when more came in one chunk, because a
 * decoder gives nothing for a chunk that breaks it; so they only have to agree as far as they go.
 */
async function readAll({ encoding, maxEventBytes }: Case, chunks: Buffer[]): Promise<[unknown, Buffer]> {
  const { chunks: inflated, failure } = await inflate(encoding, chunks)
  const bytes = Buffer.concat(inflated)
  return [failure ?? read(inflated, maxEventBytes), bytes]
}

/**
 * Where the cuts matter and no code of ours can help it. Of two codings each may have its fault, and which one is found
 * first depends on the cuts. And libzstd refuses a frame whose last block is empty and whose content is shorter than
 * its header says when the frame comes whole, but not when it comes in pieces.
 */
function mayDiffer(encoding: string, results: unknown[]): boolean {
  return encoding.includes(', ') || (encoding === 'zstd' && results.includes('upstream_invalid'))
}

async function check(tried: Case, random: Random): Promise<void> {
  const [[result, bytes], ...others] = (await Promise.all(
    cuttings(tried.bytes, random).map((chunks) => readAll(tried, chunks)),
  )) as [[unknown, Buffer], ...[unknown, Buffer][]]
  for (const [otherResult, otherBytes] of others) {
    if (!mayDiffer(tried.encoding, [result, otherResult])) assert.deepEqual(otherResult, result)
    const common = Math.min(bytes.length, otherBytes.length)
    assert.ok(bytes.subarray(0, common).equals(otherBytes.subarray(0, common)), 'the bytes before a failure differ')
  }
}

function report(seed: number, { encoding, bytes, maxEventBytes }: Case, thrown: unknown): never {
  console.error(`--seed ${seed} failed; encoding "${encoding}", cap ${maxEventBytes}, body in base64:`)
  console.error(bytes.toString('base64'))
  console.error(thrown)
  process.exit(1)
}

async function fuzz(seconds: number, firstSeed: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let seed = firstSeed
  let tried: Case = { encoding: '', bytes: Buffer.alloc(0), maxEventBytes: 0 }
  process.on('uncaughtException', (thrown) => report(seed, tried, thrown))
  for (; performance.now() < until; seed++) {
    const random = seededRandom(seed)
    tried = makeCase(random)
    const hang = setTimeout(() => report(seed, tried, new Error('no end came')), HANG_MS)
    await check(tried, random).catch((thrown: unknown) => report(seed, tried, thrown))
    clearTimeout(hang)
  }
  return seed - firstSeed
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})
const cases = await fuzz(Number(values.seconds), Number(values.seed))
console.log(`${cases} bodies from seed ${values.seed}, nothing found`)
