import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import { ProxyError } from '../../src/errors.ts'
import { createInflater } from '../../src/sse/inflate.ts'
import { everyCut } from '../support/split.ts'
import { expecting, inflate } from './collect.ts'

const text = 'data: {"content":"hello, 世界"}\n\ndata: [DONE]\n\n'
const body = Buffer.from(text)

const compressed: [encoding: string, what: string, bytes: Buffer][] = [
  ['gzip', 'gzip', zlib.gzipSync(body)],
  ['x-gzip', 'gzip by its old name', zlib.gzipSync(body)],
  ['deflate', "deflate in zlib's format", zlib.deflateSync(body)],
  ['deflate', 'bare deflate', zlib.deflateRawSync(body)],
  ['br', 'br', zlib.brotliCompressSync(body)],
  ['zstd', 'zstd', zlib.zstdCompressSync(body)],
  ['gzip, br', 'gzip and then br', zlib.brotliCompressSync(zlib.gzipSync(body))],
  ['deflate, gzip, zstd', 'three codings', zlib.zstdCompressSync(zlib.gzipSync(zlib.deflateRawSync(body)))],
]

/** What the bytes give in the end, wherever they are cut; a failure keeps no text, since how much came before it may differ. */
async function outcomes(encoding: string | string[], bytes: Buffer): Promise<string[]> {
  const found = new Set<string>()
  for (const chunks of everyCut(bytes)) {
    const out = await inflate(encoding, chunks)
    found.add(out.failure ?? Buffer.concat(out.chunks).toString())
  }
  return [...found]
}

describe('inflate', () => {
  for (const [encoding, what, bytes] of compressed) {
    it(`reads ${what}, wherever the bytes are cut`, async () => {
      assert.deepEqual(await outcomes(encoding, bytes), [text])
    })

    it(`calls ${what} truncated when the end is missing, however much of it`, async () => {
      for (let length = 1; length < bytes.length; length++) {
        const { failure } = await inflate(encoding, [bytes.subarray(0, length)])
        assert.equal(failure, 'upstream_truncated', `after ${length} of ${bytes.length} bytes`)
      }
    })

    it(`takes an empty body for empty, not for broken ${what}`, async () => {
      assert.deepEqual(await inflate(encoding, []), { chunks: [], failure: undefined })
      assert.deepEqual(await inflate(encoding, [Buffer.alloc(0)]), { chunks: [], failure: undefined })
    })
  }

  it('there is nothing to do where nothing is compressed', () => {
    const several = [[], ['identity', 'identity'], ['none', 'identity, utf-8']]
    for (const encoding of [undefined, '', 'identity', ' Identity , identity', ',', 'None', 'UTF-8', ...several]) {
      assert.equal(createInflater(encoding, expecting({})), undefined)
    }
  })

  it('names are read without regard to case, spaces and identity', async () => {
    const bytes = zlib.brotliCompressSync(zlib.gzipSync(body))
    assert.deepEqual(await outcomes(' GZip ,identity,, BR', bytes), [text])
  })

  it('codings on several lines are one list', async () => {
    const bytes = zlib.brotliCompressSync(zlib.gzipSync(body))
    assert.deepEqual(await outcomes(['gzip', 'identity', 'br'], bytes), [text])
    assert.throws(() => createInflater(['gzip', 'rot13'], expecting({})), { code: 'upstream_invalid' })
  })

  it('refuses codings that it does not know, and too many', () => {
    for (const encoding of ['compress', 'gzip, rot13', '__proto__', 'constructor', 'gzip, gzip, gzip, gzip']) {
      assert.throws(
        () => createInflater(encoding, expecting({})),
        { name: 'ProxyError', code: 'upstream_invalid' },
        encoding,
      )
    }
  })

  it('calls a body that is not compressed invalid', async () => {
    for (const encoding of ['gzip', 'deflate', 'br', 'zstd']) {
      assert.deepEqual(await outcomes(encoding, body), ['upstream_invalid'], encoding)
    }
  })

  it('calls a body with a wrong checksum invalid', async () => {
    for (const [encoding, bytes] of [
      ['gzip', zlib.gzipSync(body)],
      ['deflate', zlib.deflateSync(body)],
    ] as const) {
      const broken = Buffer.from(bytes)
      broken[broken.length - 1] = (broken.at(-1) as number) ^ 1
      assert.deepEqual(await outcomes(encoding, broken), ['upstream_invalid'], encoding)
    }
  })

  it('reads several gzip or zstd bodies in a row as one, wherever the bytes are cut', async () => {
    const parts = ['one\n\n', 'two\n\n', 'three\n\n'].map((part) => Buffer.from(`data: ${part}`))
    const whole = Buffer.concat(parts).toString()
    assert.deepEqual(await outcomes('gzip', Buffer.concat(parts.map((part) => zlib.gzipSync(part)))), [whole])
    assert.deepEqual(await outcomes('zstd', Buffer.concat(parts.map((part) => zlib.zstdCompressSync(part)))), [whole])
  })

  it('what follows the compressed body is treated alike, wherever the bytes are cut', async () => {
    const followed = (bytes: Buffer, rest: Buffer) => Buffer.concat([bytes, rest])
    const garbage = Buffer.from('garbage')
    assert.deepEqual(await outcomes('deflate', followed(zlib.deflateSync(body), garbage)), [text])
    assert.deepEqual(await outcomes('br', followed(zlib.brotliCompressSync(body), garbage)), [text])
    assert.deepEqual(await outcomes('gzip', followed(zlib.gzipSync(body), Buffer.alloc(9))), [text])
    assert.deepEqual(await outcomes('gzip', followed(zlib.gzipSync(body), garbage)), ['upstream_invalid'])
    assert.deepEqual(await outcomes('zstd', followed(zlib.zstdCompressSync(body), garbage)), ['upstream_invalid'])
  })

  it('refuses zstd with a larger window than HTTP allows, which would cost as much memory', async () => {
    assert.equal((await inflate('zstd', [await zstdWithWindow(23)])).failure, undefined)
    assert.equal((await inflate('zstd', [await zstdWithWindow(24)])).failure, 'upstream_invalid')
  })

  it('the failure has the cause for the log, and a message without it', async () => {
    const failed = Promise.withResolvers<ProxyError>()
    createInflater('gzip', expecting({ fail: failed.resolve }))?.push(body)
    const error = await failed.promise
    assert.ok(error instanceof ProxyError && error.cause instanceof Error)
    assert.ok(!error.message.includes(error.cause.message))
  })
})

/** Streamed, because a compressor that knows the length asks for no larger window than that. */
async function zstdWithWindow(log: number): Promise<Buffer> {
  const compressor = zlib.createZstdCompress({ params: { [zlib.constants.ZSTD_c_windowLog]: log } })
  compressor.write('data: one\n\n')
  compressor.flush(() => compressor.end('data: two\n\n'))
  return Buffer.concat(await compressor.toArray())
}
