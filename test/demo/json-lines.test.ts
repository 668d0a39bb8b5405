import assert from 'node:assert/strict'
import fc from 'fast-check'
import { jsonLines } from '../../src/demo/json-lines.ts'
import { type Line, widthOf } from '../../src/demo/line.ts'

const textOf = (lines: readonly Line[]) => lines.map((line) => line.map(([text]) => text).join('')).join('\n')

describe('JSON for people', () => {
  it('is still that JSON, whatever the value and the width', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 10, max: 200 }), (value, width) => {
        assert.deepEqual(
          JSON.parse(textOf(jsonLines(value, { width, wrapped: false }))),
          JSON.parse(JSON.stringify(value)),
        )
      }),
    )
  })

  it('keeps on one line what fits there, and opens what does not', () => {
    const value = { usage: { prompt: 1, completion: 2 }, empty: {}, list: [1, 2] }
    assert.equal(
      textOf(jsonLines(value, { width: 45, wrapped: false })),
      '{\n  "usage": { "prompt": 1, "completion": 2 },\n  "empty": {},\n  "list": [1, 2]\n}',
    )
  })

  it('continues a long text below its beginning, within the width', () => {
    const lines = jsonLines({ said: 'one two three four five six seven' }, { width: 26, wrapped: true })
    assert.equal(textOf(lines), '{\n  "said": "one two three \n          four five six \n          seven"\n}')
    assert.ok(lines.every((line) => widthOf(line) <= 26))
  })
})
