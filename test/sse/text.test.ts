import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Utf8Decoder } from '../../src/sse/text.ts'
import { everyCut } from '../support/split.ts'

/** What the platform's own decoder makes of the whole. */
function decodeWhole(bytes: Buffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** Bytes at the edges of what UTF-8 allows: shortest and longest of each kind, and those that it never has. */
const edges = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbb, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef]
const odd = [0xf0, 0xf1, 0xf4, 0xf5, 0xff]

describe('UTF-8 decoding', () => {
  it('gives the same text wherever the bytes are cut', () => {
    const text = '\uFEFFplain, é, 世界, 😀, \u{10FFFF}\0 and \uFFFD'
    for (const chunks of everyCut(Buffer.from(text))) {
      const decoder = new Utf8Decoder()
      const parts = chunks.map((chunk) => decoder.write(chunk))
      assert.equal(parts.join('') + decoder.end(), text)
    }
  })

  it('gives each character with the chunk that completes it, not later', () => {
    const decoder = new Utf8Decoder()
    const parts = Array.from(Buffer.from('aé😀b'), (byte) => decoder.write(Buffer.of(byte)))
    assert.deepEqual(parts, ['a', '', 'é', '', '', '', '😀', 'b'])
  })

  it('replaces invalid bytes as the standard says, wherever they are cut', () => {
    const anyBytes = fc.array(fc.constantFrom(...edges, ...odd), { minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(anyBytes, (values) => {
        const bytes = Buffer.from(values)
        for (const chunks of everyCut(bytes)) {
          const decoder = new Utf8Decoder()
          const text = chunks.map((chunk) => decoder.write(chunk)).join('')
          assert.equal(text + decoder.end(), decodeWhole(bytes))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('tells at the end that a character was cut', () => {
    const whole = Buffer.from('😀')
    for (const length of [1, 2, 3]) {
      const decoder = new Utf8Decoder()
      assert.equal(decoder.write(whole.subarray(0, length)), '')
      assert.equal(decoder.end(), '\uFFFD')
      assert.equal(decoder.end(), '', 'once')
    }
  })

  it('does not take bytes that begin no character for a cut one', () => {
    for (const byte of [0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff]) {
      const decoder = new Utf8Decoder()
      assert.equal(decoder.write(Buffer.of(byte)), '\uFFFD')
      assert.equal(decoder.end(), '')
    }
  })

  it('says nothing at the end of a whole text', () => {
    const decoder = new Utf8Decoder()
    assert.equal(decoder.end(), '')
    assert.equal(decoder.write(Buffer.from('世')), '世')
    assert.equal(decoder.end(), '')
  })

  it('an empty chunk within a character changes nothing', () => {
    const decoder = new Utf8Decoder()
    const bytes = Buffer.from('é')
    assert.equal(decoder.write(bytes.subarray(0, 1)), '')
    assert.equal(decoder.write(Buffer.alloc(0)), '')
    assert.equal(decoder.write(bytes.subarray(1)), 'é')
  })
})
