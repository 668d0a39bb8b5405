import assert from 'node:assert/strict'
import { Pieces } from '../../src/sse/pieces.ts'

describe('pieces', () => {
  it('are joined in order, however many there are', () => {
    for (const count of [0, 1, 2, 256, 257, 258, 513, 2000]) {
      const parts = Array.from({ length: count }, (_, at) => String(at))
      const pieces = new Pieces('\n')
      for (const part of parts) pieces.add(part)
      assert.equal(pieces.count, count)
      assert.equal(pieces.length, parts.join('\n').length)
      assert.equal(pieces.take(), parts.join('\n'))
    }
  })

  it('begin anew once taken', () => {
    const pieces = new Pieces('')
    for (let at = 0; at < 600; at++) pieces.add('a')
    pieces.take()
    assert.deepEqual([pieces.count, pieces.length, pieces.take()], [0, 0, ''])
    pieces.add('b')
    assert.equal(pieces.take(), 'b')
  })
})
