import assert from 'node:assert/strict'
import fc from 'fast-check'
import { distance, nearest } from '../../src/config/suggest.ts'

const word = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'c') })

describe('the distance of two words', () => {
  it('is the number of letters added, removed, replaced or swapped', () => {
    assert.equal(distance('', 'abc'), 3)
    assert.equal(distance('kitten', 'sitting'), 3)
    assert.equal(distance('URI', 'URL'), 1)
    assert.equal(distance('prot', 'port'), 1)
    assert.equal(distance('ab', 'ba'), 1)
  })

  it('is nothing for the same word only, the same both ways, and never more than all letters', () => {
    fc.assert(
      fc.property(word, word, (x, y) => {
        assert.equal(distance(x, y) === 0, x === y)
        assert.equal(distance(x, y), distance(y, x))
        assert.ok(distance(x, y) <= Math.max(x.length, y.length))
      }),
    )
  })

  it('is one for a letter more, wherever it is', () => {
    fc.assert(
      fc.property(word, fc.nat(12), (x, place) => {
        assert.equal(distance(x, `${x.slice(0, place)}a${x.slice(place)}`), 1)
      }),
    )
  })

  it('changes by one at most with a letter more at either end', () => {
    // Not within the word: there it may part two letters that one swap had put right.
    fc.assert(
      fc.property(word, word, (x, y) => {
        for (const edited of [`a${y}`, `${y}a`]) assert.ok(Math.abs(distance(x, edited) - distance(x, y)) <= 1)
      }),
    )
  })
})

describe('a suggestion', () => {
  it('does not mind how the words of a name are joined', () => {
    for (const name of ['maxBodyBytes', 'max-body-bytes', 'Max_Body_Byte']) {
      assert.equal(nearest(name, ['MAX_ANSWER_BYTES', 'MAX_BODY_BYTES']), 'MAX_BODY_BYTES')
    }
  })

  it('is not made when nothing is near', () => {
    assert.equal(nearest('COLOR', ['MAX_BODY_BYTES', 'PORT', 'HOST']), undefined)
  })
})
