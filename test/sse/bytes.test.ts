import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bytesOf, decode, isAscii, withoutMark } from '../../src/sse/bytes.ts'

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
})
