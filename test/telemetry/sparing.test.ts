import assert from 'node:assert/strict'
import { sparing } from '../../src/telemetry/sparing.ts'
import { MovedClock } from '../support/clock.ts'

describe('sparing complaints', () => {
  it('passes on one a minute and says how many it held back', () => {
    const clock = new MovedClock()
    const said: [string, number][] = []
    const complain = sparing(clock, 60_000, (message, heldBack) => said.push([message, heldBack]))
    for (let second = 0; second < 150; second++) {
      complain(`at ${second}`)
      clock.move(1000)
    }
    assert.deepEqual(said, [
      ['at 0', 0],
      ['at 60', 59],
      ['at 120', 59],
    ])
  })
})
