import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bytesOf, decode, isAscii, plainText, withoutMark } from '../../src/sse/bytes.ts'

/** What the platform's own decoder makes of the whole. */
function decodeWhole(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

describe('byte text', () => {
  it('decodes to what the platform makes of the bytes, also where they are no UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        assert.equal(decode(bytesOf(Buffer.from(bytes))), decodeWhole(bytes))
      }),
    )
  })

  it('decodes to any text that it was made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(decode(bytesOf(Buffer.from(text))), text)
      }),
    )
  })

  it('is ASCII exactly when decoding changes nothing', () => {
    assert.ok(isAscii('data: {"a":1}'))
    assert.ok(!isAscii(bytesOf(Buffer.from('é'))))
  })

  it('loses the byte order mark at its beginning, and no other', () => {
    assert.equal(decode(withoutMark(bytesOf(Buffer.from('\ufeffdata')))), 'data')
    assert.equal(decode(withoutMark(bytesOf(Buffer.from('data\ufeff')))), 'data\ufeff')
  })

  it('decodes a few bytes to what the platform makes of them, or leaves them alone', () => {
    // Bytes near the ends of the ranges, where a decoder goes wrong if it does.
    const edge = fc.constantFrom(
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
    )
    const bytes = fc.array(fc.oneof(edge, edge, fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
    fc.assert(
      fc.property(bytes, (bytes) => {
        const text = plainText(bytesOf(Buffer.from(bytes)))
        if (text !== undefined) assert.equal(text, decodeWhole(Uint8Array.from(bytes)))
      }),
      { numRuns: 20_000 },
    )
  })

  it('decodes a few bytes wherever they stand for themselves in JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (text) => {
        const plain = JSON.stringify(text) === `"${text}"`
        assert.equal(plainText(bytesOf(Buffer.from(text))), plain ? text : undefined)
      }),
      { numRuns: 3000 },
    )
    assert.equal(plainText('a'.repeat(49)), undefined)
  })
})
