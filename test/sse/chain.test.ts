import assert from 'node:assert/strict'
import { once } from 'node:events'
import * as zlib from 'node:zlib'
import { chain } from '../../src/sse/chain.ts'
import type { Coding } from '../../src/sse/stage.ts'
import { expecting } from './collect.ts'

/** gzip, with the decoder kept so that a test can look at it. */
function watchedGzip(): { coding: Coding; decoder: zlib.Gunzip } {
  const decoder = zlib.createGunzip()
  return { coding: { open: () => decoder, several: false }, decoder }
}

describe('a chain of decompressions', () => {
  it('makes the stage that feeds wait for the one that is fed, so that a bomb in a bomb is never held whole', async () => {
    const size = 8_000_000
    const outer = watchedGzip()
    const inner = watchedGzip()
    let between = 0
    let mostHeld = 0
    outer.decoder.on('data', (chunk: Buffer) => {
      between += chunk.length
      mostHeld = Math.max(mostHeld, between - inner.decoder.bytesWritten)
    })
    let got = 0
    const data = (chunk: Buffer) => {
      got += chunk.length
    }
    const over = Promise.withResolvers<void>()
    const inflater = chain([inner.coding, outer.coding], expecting({ data, end: over.resolve }))
    inflater.push(zlib.gzipSync(zlib.gzipSync(Buffer.alloc(size), { level: 0 })))
    inflater.end()
    await over.promise
    assert.equal(got, size)
    assert.ok(between > size, 'the stored form went from one to the other')
    assert.ok(mostHeld < 100_000, `held ${mostHeld} bytes`)
  })

  it('frees the decoders of all stages when one of them fails', async () => {
    const outer = watchedGzip()
    const inner = watchedGzip()
    const failed = Promise.withResolvers<void>()
    const inflater = chain([inner.coding, outer.coding], expecting({ fail: () => failed.resolve() }))
    inflater.push(zlib.gzipSync('not compressed once more'))
    await failed.promise
    assert.ok(outer.decoder.destroyed && inner.decoder.destroyed)
  })

  it('ends when the first coding ends, whatever the others still hold', async () => {
    const outer = watchedGzip()
    const brotli: Coding = { open: () => zlib.createBrotliDecompress(), several: false }
    const over = Promise.withResolvers<void>()
    const inflater = chain([brotli, outer.coding], expecting({ data: () => {}, end: over.resolve }))
    const body = Buffer.concat([zlib.brotliCompressSync('data: a\n\n'), Buffer.from('garbage')])
    inflater.push(zlib.gzipSync(body).subarray(0, -4))
    await over.promise
    assert.ok(outer.decoder.destroyed)
  })

  it('gives out nothing while it is paused', async () => {
    const outer = watchedGzip()
    const inner = watchedGzip()
    let paused = true
    const over = Promise.withResolvers<void>()
    const data = () => assert.ok(!paused)
    const inflater = chain([inner.coding, outer.coding], expecting({ data, end: over.resolve }))
    inflater.pause()
    const arrived = once(outer.decoder, 'data')
    inflater.push(zlib.gzipSync(zlib.gzipSync('data: a\n\n')))
    inflater.end()
    await arrived
    await once(outer.decoder, 'close')
    paused = false
    inflater.resume()
    await over.promise
  })
})
