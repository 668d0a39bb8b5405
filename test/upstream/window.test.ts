import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CountWindow } from '../../src/upstream/window.ts'

describe('sliding window', () => {
  it('forgets a tenth of its length at a time', () => {
    const window = new CountWindow(1000)
    window.add(50, 1, 0)
    window.add(150, 1, 1)
    assert.deepEqual(window.sum(999), { first: 2, second: 1 })
    assert.deepEqual(window.sum(1000), { first: 1, second: 1 })
    assert.deepEqual(window.sum(1100), { first: 0, second: 0 })
  })

  it('starts empty after it is cleared', () => {
    const window = new CountWindow(1000)
    window.add(50, 1, 1)
    window.clear()
    assert.deepEqual(window.sum(60), { first: 0, second: 0 })
  })

  it('counts as a list of everything that ever happened would', () => {
    const step = fc.record({ wait: fc.nat(700), first: fc.nat(9), second: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const window = new CountWindow(1000)
        const all: { at: number; first: number; second: number }[] = []
        let now = 0
        for (const { wait, first, second } of steps) {
          now += wait
          window.add(now, first, second)
          all.push({ at: now, first, second })
          const inside = all.filter(({ at }) => Math.floor(at / 100) > Math.floor(now / 100) - 10)
          assert.deepEqual(window.sum(now), {
            first: inside.reduce((sum, each) => sum + each.first, 0),
            second: inside.reduce((sum, each) => sum + each.second, 0),
          })
        }
      }),
    )
  })
})
