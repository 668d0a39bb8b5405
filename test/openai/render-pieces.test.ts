import assert from 'node:assert/strict'
import fc from 'fast-check'
import { cutAtTokens, cutText } from '../../src/openai/render-pieces.ts'

/** Texts of many pieces, in which pairs lie across the places where a piece would end. */
const text = fc.string({ unit: fc.constantFrom('a', 'ü', '語', '😀', '\ud83d', '\ude00'), maxLength: 700, size: 'max' })

const splitsPair = (one: string, other: string) => /[\ud800-\udbff]$/.test(one) && /^[\udc00-\udfff]/.test(other)

describe('cutting a text into pieces', () => {
  it('loses nothing, leaves no piece empty and splits no surrogate pair', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const pieces = cutText(whole)
        assert.equal(pieces.join(''), whole)
        assert.ok(pieces.every((piece) => piece.length > 0 && piece.length <= 129))
        for (let at = 1; at < pieces.length; at++) assert.ok(!splitsPair(pieces[at - 1]!, pieces[at]!))
      }),
    )
  })

  it('gives each piece the tokens that spell it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 9 }), { minLength: 1, maxLength: 200, size: 'max' }),
        fc.boolean(),
        (tokens, bare) => {
          const pieces = cutAtTokens(tokens.join(''), bare ? tokens : tokens.map((token) => ({ token })))
          let next = 0
          for (const { text: piece, from, to } of pieces) {
            assert.equal(from, next)
            assert.equal(tokens.slice(from, to).join(''), piece)
            next = to
          }
          assert.equal(next, tokens.length)
        },
      ),
    )
  })

  it('ends no piece inside a pair that two tokens share', () => {
    const tokens = ['x'.repeat(127), '\ud83d', '\ude00', 'y']
    const pieces = cutAtTokens(tokens.join(''), tokens)
    assert.deepEqual(pieces, [
      { text: `${'x'.repeat(127)}😀`, from: 0, to: 3 },
      { text: 'y', from: 3, to: 4 },
    ])
  })

  it('gives all tokens to the first piece where they do not spell the text', () => {
    const pieces = cutAtTokens('ü'.repeat(200), [{ token: '\\xc3' }, { token: '\\xbc' }, { none: 1 }])
    assert.deepEqual(
      pieces.map(({ text: piece, from, to }) => [piece.length, from, to]),
      [
        [128, 0, 3],
        [72, 3, 3],
      ],
    )
  })

  it('has a piece for tokens without text, and for neither', () => {
    assert.deepEqual(cutAtTokens('', ['<eos>']), [{ text: '', from: 0, to: 1 }])
    assert.deepEqual(cutAtTokens('', []), [{ text: '', from: 0, to: 0 }])
  })
})
