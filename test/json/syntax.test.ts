import assert from 'node:assert/strict'
import fc from 'fast-check'
import { faultOffset, nestsDeeperThan } from '../../src/json/syntax.ts'

const isJson = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    assert.ok(error instanceof SyntaxError)
    return false
  }
}

/** JSON text, mostly hurt: a few characters taken out, put in or cut off. */
const hurt = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom('', ...'"\\[]{}:,0-.eE1tnf \n\u0001é'))),
  )
  .map(([json, wounds]) =>
    wounds.reduce((text, [where, length, by]) => {
      const at = where % (text.length + 1)
      return text.slice(0, at) + by + text.slice(at + length)
    }, json),
  )

describe('where JSON fails', () => {
  const cases: [text: string, offset: number | undefined][] = [
    ['', 0],
    ['  ', 2],
    ['{}', undefined],
    [' [1, {"a": null}] ', undefined],
    ['{"a": hello}', 6],
    ['{"a" 1}', 5],
    ['{"a": 1,}', 8],
    ['{a: 1}', 1],
    ['[1, 2', 5],
    ['[1 2]', 3],
    ['[1,]', 3],
    ['[1}', 2],
    ['{"a": 1]', 7],
    ['"abc', 4],
    ['"a\nb"', 2],
    ['"a\\x"', 3],
    ['"\\u12g4"', 5],
    ['{} x', 3],
    ['01', 1],
    ['-', 0],
    ['nul', 0],
    ['\ufeff{}', 0],
    ["{'a': 1}", 1],
  ]
  for (const [text, offset] of cases) {
    it(`${JSON.stringify(text)} fails at ${offset ?? 'no place'}`, () => assert.equal(faultOffset(text), offset))
  }

  it('there is a fault just when the engine finds one', () => {
    fc.assert(
      fc.property(hurt, (text) => assert.equal(faultOffset(text) === undefined, isJson(text), text)),
      { numRuns: 3000 },
    )
  })

  it('a missing or wrong token is found where the engine finds it, when the engine says where', () => {
    let compared = 0
    fc.assert(
      fc.property(hurt, (text) => {
        try {
          JSON.parse(text)
        } catch (error) {
          const said = /^(?:Expected|Bad control|Unexpected non-white).* at position (\d+)/.exec(
            String(Object(error).message),
          )
          if (said) assert.equal(faultOffset(text), Number(said[1]), text)
          if (said) compared++
        }
      }),
      { numRuns: 3000 },
    )
    assert.ok(compared > 100)
  })

  it('brackets by the hundred thousand do not exhaust the stack', () => {
    assert.equal(faultOffset('['.repeat(300_000)), 300_000)
    assert.equal(faultOffset('{"":'.repeat(300_000)), 1_200_000)
  })
})

describe('how deep JSON nests', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

  it('the limit is exact', () => {
    const text = fc.oneof(
      fc.json({ maxDepth: 6 }),
      fc.json({ maxDepth: 6, stringUnit: fc.constantFrom(...'"\\[]{}a') }),
    )
    fc.assert(
      fc.property(text, (json) => {
        const depth = depthOf(JSON.parse(json))
        assert.equal(nestsDeeperThan(json, depth), false, json)
        if (depth > 0) assert.equal(nestsDeeperThan(json, depth - 1), true, json)
      }),
      { numRuns: 1000 },
    )
  })

  it('brackets in strings do not count', () => {
    assert.equal(nestsDeeperThan('{"a":"[[[[","b\\"[[[":"\\\\"}', 1), false)
    assert.equal(nestsDeeperThan('"[[[[', 1), false)
  })
})
