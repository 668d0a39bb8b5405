import assert from 'node:assert/strict'
import { Sparing } from '../../src/upstream/sparing.ts'
import { MovedClock } from '../support/clock.ts'

describe('an upstream that does not say for how long it refuses', () => {
  let clock: MovedClock
  let sparing: Sparing

  beforeEach(() => {
    clock = new MovedClock()
    sparing = new Sparing(clock)
  })

  /** How long it is spared from now on, ms. */
  function lasts(): number {
    let ms = 0
    for (; sparing.active; ms += 500) clock.move(500)
    return ms
  }

  it('is spared for twice as long each time, up to 32 seconds', () => {
    assert.equal(sparing.active, false)
    const times = Array.from({ length: 8 }, () => {
      sparing.refused()
      return lasts()
    })
    assert.deepEqual(times, [1000, 2000, 4000, 8000, 16_000, 32_000, 32_000, 32_000])
  })

  it('is spared no longer for what was sent before', () => {
    for (let count = 0; count < 50; count++) sparing.refused()
    assert.equal(lasts(), 1000)
    sparing.refused()
    assert.equal(lasts(), 2000)
  })

  it('is spared for the first time again after an answer', () => {
    sparing.refused()
    lasts()
    sparing.answered()
    sparing.refused()
    assert.equal(lasts(), 1000)
  })
})
