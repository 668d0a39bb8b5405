import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isRaw, numberOf, parseExact } from '../../src/json/exact.ts'
import { canonicalText, numberText, valueText } from './texts.ts'

/** The value with its raw numbers as plain ones; objects keep an own `__proto__`. */
function plain(value: unknown): unknown {
  if (isRaw(value)) return numberOf(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

function rejects(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text)
    return false
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error))
    return true
  }
}

describe('parsing with exact numbers', () => {
  for (const number of ['12345678901234567890', '1.0', '1e5', '-0', '-0.0', '1E+2', '0.10', '9.536743e-07', '1e999']) {
    it(`keeps ${number} as it is`, () => {
      assert.equal(JSON.stringify(parseExact(`{"a":[${number}]}`)), `{"a":[${number}]}`)
      assert.equal(JSON.stringify(parseExact(number)), number)
    })
  }

  for (const number of ['0', '-1', '1700000000', '0.5', '-0.25', '9007199254740992', '1e+21', '-31.25', '1e-7']) {
    it(`gives a plain number for ${number}`, () => {
      assert.deepEqual(parseExact(`{"a":${number}}`), { a: Number(number) })
    })
  }

  it('gives plain integers under the name index, whatever their spelling', () => {
    const text = '{"index":1.0,"a":[{"index":0},{"index":2e0},{"index":1.5}],"b":{"index":[1.0]}}'
    const parsed = parseExact(text)
    assert.equal(JSON.stringify(parsed), '{"index":1,"a":[{"index":0},{"index":2},{"index":1.5}],"b":{"index":[1.0]}}')
  })

  it('keeps __proto__ as a member of its own', () => {
    for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1.0},"b":2.0}', '{"__proto__":1.0}']) {
      const parsed = parseExact(text)
      assert.ok(parsed instanceof Object && Object.hasOwn(parsed, '__proto__'))
      assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
      assert.equal(JSON.stringify(parsed), text)
    }
  })

  it('leaves strings alone that look like numbers', () => {
    const text = '{"a":"1.0","1.0":"b, 1e5, \\",-0,"}'
    assert.deepEqual(parseExact(text), JSON.parse(text))
  })

  it('takes the last of duplicate members', () => {
    assert.equal(JSON.stringify(parseExact('{"a":1.0,"a":2.0}')), '{"a":2.0}')
    assert.equal(JSON.stringify(parseExact('{"a":1.0,"a":2}')), '{"a":2}')
  })

  it('takes nesting as deep as JSON.parse does', () => {
    const depth = 200_000
    const parsed = parseExact(`${'['.repeat(depth)}1.0${']'.repeat(depth)}`)
    assert.ok(Array.isArray(parsed))
  })

  it('gives up on the digits where there are far too many numbers to keep', () => {
    const list = (length: number) => `[${Array.from({ length }, () => '1.0').join(',')}]`
    assert.ok(isRaw((parseExact(list(250_000)) as unknown[])[0]))
    assert.equal((parseExact(list(250_001)) as unknown[])[0], 1)
  })

  for (const text of [
    '{1.0:2}',
    '{1.0 :2}',
    '[1.0.0]',
    '[01.0]',
    '[1.]',
    '[-]',
    '[1e]',
    '[+1.0]',
    '"1.0',
    '[1.0',
    '',
  ]) {
    it(`refuses ${text || 'empty text'} as JSON.parse does`, () => {
      assert.ok(rejects(JSON.parse, text))
      assert.ok(rejects(parseExact, text))
    })
  }

  it('refuses exactly what JSON.parse refuses', () => {
    const damaged = fc.tuple(valueText, fc.nat(), fc.constantFrom('', '"', '1.0', ':', ',', '-', 'e', '}', '\\'))
    fc.assert(
      fc.property(damaged, ([text, seed, piece]) => {
        const at = seed % (text.length + 1)
        const other = text.slice(0, at) + piece + text.slice(at + (seed % 2))
        assert.equal(rejects(parseExact, other), rejects(JSON.parse, other), other)
      }),
      { numRuns: 2000 },
    )
  })

  it('gives the values that JSON.parse gives, but for the digits', () => {
    fc.assert(fc.property(valueText, (text) => assert.deepEqual(plain(parseExact(text)), JSON.parse(text))))
  })

  it('is written back as it was', () => {
    fc.assert(
      fc.property(canonicalText, (text) => assert.equal(JSON.stringify(parseExact(text)), text)),
      { numRuns: 500 },
    )
  })

  it('makes a raw value only of numbers that would be written otherwise', () => {
    fc.assert(
      fc.property(numberText, (number) => {
        const [value] = parseExact(`[${number}]`) as unknown[]
        assert.equal(isRaw(value), JSON.stringify(JSON.parse(number)) !== number)
        assert.ok(Object.is(numberOf(value), Number(number)))
      }),
    )
  })
})

describe('the number of a value', () => {
  it('is undefined where there is none', () => {
    for (const value of ['1', null, undefined, {}, [1], true]) assert.equal(numberOf(value), undefined)
  })
})
