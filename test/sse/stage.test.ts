import assert from 'node:assert/strict'
import { once } from 'node:events'
import * as zlib from 'node:zlib'
import { ProxyError } from '../../src/errors.ts'
import { createInflater } from '../../src/sse/inflate.ts'
import { type Decoder, Stage } from '../../src/sse/stage.ts'
import { expecting, inflate } from './collect.ts'

const compressors: [encoding: string, create: () => zlib.Gzip | zlib.BrotliCompress | zlib.ZstdCompress][] = [
  ['gzip', () => zlib.createGzip()],
  ['deflate', () => zlib.createDeflate()],
  ['br', () => zlib.createBrotliCompress()],
  ['zstd', () => zlib.createZstdCompress()],
]

/** Long enough for anything that a decoder still had under way: another one does a whole body meanwhile. */
async function untilQuiet(): Promise<void> {
  for (const encoding of ['gzip', 'br']) {
    const bytes = encoding === 'gzip' ? zlib.gzipSync(Buffer.alloc(1e6)) : zlib.brotliCompressSync(Buffer.alloc(1e6))
    await inflate(encoding, [bytes])
  }
}

describe('a stage of decompression', () => {
  for (const [encoding, create] of compressors) {
    it(`gives out each ${encoding} event before the next one comes`, async () => {
      let arrived = Promise.withResolvers<string>()
      const inflater = createInflater(encoding, expecting({ data: (chunk) => arrived.resolve(chunk.toString()) }))
      const compressor = create()
      compressor.on('data', (bytes: Buffer) => inflater?.push(bytes))
      for (const event of ['data: one\n\n', 'data: two\n\n', 'data: three\n\n']) {
        arrived = Promise.withResolvers()
        compressor.write(event)
        compressor.flush()
        assert.equal(await arrived.promise, event)
      }
      inflater?.destroy()
    })
  }

  it('gives a bomb out in small chunks', async () => {
    const size = 30_000_000
    const out = await inflate('gzip', [zlib.gzipSync(Buffer.alloc(size))])
    assert.equal(Buffer.concat(out.chunks).length, size)
    assert.ok(Math.max(...out.chunks.map((chunk) => chunk.length)) <= 65_536)
  })

  it('tells when to wait and when to go on', async () => {
    const drained = Promise.withResolvers<void>()
    const inflater = createInflater('gzip', expecting({ data: () => {}, drain: drained.resolve }))
    const bytes = zlib.gzipSync(
      Buffer.alloc(300_000).map((_, at) => (at * at) >> 7),
      { level: 0 },
    )
    assert.equal(inflater?.push(bytes.subarray(0, 1000)), true)
    assert.equal(inflater?.push(bytes.subarray(1000, 200_000)), false)
    await drained.promise
    assert.equal(inflater?.push(bytes.subarray(200_000, 201_000)), true)
    inflater?.destroy()
  })

  it('what the sink throws comes back to it as a failure, and is the last it hears', async () => {
    const large = new ProxyError('upstream_too_large')
    const failed = Promise.withResolvers<ProxyError>()
    let calls = 0
    const data = () => {
      calls++
      throw large
    }
    const inflater = createInflater('gzip', expecting({ data, fail: failed.resolve }))
    inflater?.push(zlib.gzipSync(Buffer.alloc(500_000)))
    inflater?.end()
    assert.equal(await failed.promise, large)
    await untilQuiet()
    assert.equal(calls, 1)
  })

  it('an error that is not on purpose comes back as internal_error, from the end as well', async () => {
    const failed = Promise.withResolvers<ProxyError>()
    const end = () => {
      throw new TypeError('a mistake')
    }
    createInflater('gzip', expecting({ end, fail: failed.resolve }))?.end()
    assert.equal((await failed.promise).code, 'internal_error')
  })

  it('says nothing any more once destroyed, whatever was under way', async () => {
    const inflaters = ['gzip', 'deflate', 'br', 'zstd', 'gzip, br'].map((encoding) => {
      const inflater = createInflater(encoding, expecting({}))
      inflater?.push(Buffer.from('not compressed at all'))
      inflater?.push(Buffer.alloc(100_000))
      return inflater
    })
    for (const inflater of inflaters) inflater?.destroy()
    for (const inflater of inflaters) {
      assert.equal(inflater?.push(Buffer.from('more')), true, 'a late chunk is dropped')
      inflater?.end()
    }
    await untilQuiet()
  })

  it('says nothing any more when it is destroyed just before its end', async () => {
    const body = Buffer.concat([zlib.brotliCompressSync('data: a\n\n'), Buffer.from('behind the end mark')])
    const destroyed = Promise.withResolvers<void>()
    const data = () =>
      process.nextTick(() => {
        inflater?.destroy()
        destroyed.resolve()
      })
    const inflater = createInflater('br', expecting({ data }))
    inflater?.push(body)
    await destroyed.promise
    await untilQuiet()
  })

  it('loses nothing when it is paused within a body of several', async () => {
    const parts = ['1', '2', '3'].map((part) => zlib.zstdCompressSync(Buffer.from(part)))
    const over = Promise.withResolvers<void>()
    let got = ''
    const data = (chunk: Buffer) => {
      got += chunk.toString()
      stage.pause()
      void untilQuiet().then(() => stage.resume())
    }
    const stage = new Stage(
      { open: () => zlib.createZstdDecompress(), several: true },
      expecting({ data, end: over.resolve }),
    )
    stage.push(Buffer.concat(parts))
    stage.end()
    await over.promise
    assert.equal(got, '123')
  })

  it('gives out nothing before it is resumed, and then all, also of a body that was cut', async () => {
    for (const pauseFirst of [true, false]) {
      const failed = Promise.withResolvers<ProxyError>()
      let got = 0
      let paused = pauseFirst
      const data = (chunk: Buffer) => {
        assert.ok(!paused)
        got += chunk.length
        paused = true
        stage.pause()
      }
      const stage = new Stage(
        { open: () => zlib.createGunzip(), several: false },
        expecting({ data, fail: failed.resolve }),
      )
      if (pauseFirst) stage.pause()
      // The checksum is missing, so that the last byte of the content has come, but the end mark has not.
      stage.push(zlib.gzipSync(Buffer.alloc(50_000)).subarray(0, -8))
      stage.end()
      do {
        await untilQuiet()
        paused = false
        stage.resume()
      } while (got < 50_000)
      stage.resume()
      assert.equal((await failed.promise).code, 'upstream_truncated')
      assert.equal(got, 50_000)
    }
  })

  it('comes to its end after a single pause with much lying ready', async () => {
    const over = Promise.withResolvers<void>()
    let got = 0
    const data = (chunk: Buffer) => {
      if (got === 0) stage.pause()
      got += chunk.length
    }
    const stage = new Stage({ open: () => zlib.createGunzip(), several: false }, expecting({ data, end: over.resolve }))
    stage.push(zlib.gzipSync(Buffer.alloc(50_000)))
    stage.end()
    await untilQuiet()
    stage.resume()
    await over.promise
    assert.equal(got, 50_000)
  })

  it('gives out nothing of what lay ready when it was destroyed', async () => {
    let chunks = 0
    const data = () => {
      chunks++
      if (chunks === 1) stage.pause()
      else stage.destroy()
    }
    const stage = new Stage({ open: () => zlib.createGunzip(), several: false }, expecting({ data }))
    stage.push(zlib.gzipSync(Buffer.alloc(1_000_000)))
    await untilQuiet()
    assert.equal(chunks, 1)
    stage.resume()
    await untilQuiet()
    assert.equal(chunks, 2)
  })

  for (const [how, ending] of [
    ['the caller destroys it', (stage: Stage) => stage.destroy()],
    ['the body ends', (stage: Stage) => stage.end()],
  ] as const) {
    it(`frees each decoder when ${how}, and those used up before`, async () => {
      const decoders: Decoder[] = []
      const open = () => {
        const decoder = zlib.createZstdDecompress()
        decoders.push(decoder)
        return decoder
      }
      const three = Promise.withResolvers<void>()
      const over = Promise.withResolvers<void>()
      let got = 0
      const data = (chunk: Buffer) => {
        got += chunk.length
        if (got === 3) three.resolve()
      }
      const stage = new Stage({ open, several: true }, expecting({ data, end: over.resolve }))
      stage.push(Buffer.concat(['1', '2', '3'].map((part) => zlib.zstdCompressSync(Buffer.from(part)))))
      await three.promise
      ending(stage)
      await Promise.all(decoders.filter((decoder) => !decoder.closed).map((decoder) => once(decoder, 'close')))
      assert.equal(decoders.length, 3)
    })
  }
})
