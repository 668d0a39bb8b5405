import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Place, Roll } from '../src/roll.ts'

describe('a roll', () => {
  it('has whoever came and has not left, in the order in which they came', () => {
    const steps = fc.array(fc.oneof(fc.constant('enter' as const), fc.nat(20)), { maxLength: 60 })
    fc.assert(
      fc.property(steps, (visits) => {
        const roll = new Roll<number>()
        const places: Place<number>[] = []
        const expected = new Set<number>()
        for (const [member, step] of visits.entries()) {
          if (step === 'enter') {
            places.push(roll.enter(member))
            expected.add(member)
          } else {
            const place = places[step % places.length]
            if (!place) continue
            if (place.member !== undefined) expected.delete(place.member)
            roll.leave(place)
          }
          assert.deepEqual(roll.oldest(), [...expected])
          assert.deepEqual(roll.oldest(2), [...expected].slice(0, 2))
          assert.equal(roll.size, expected.size)
        }
      }),
    )
  })

  it('is not reached from a place that was left: what is old and over must keep nothing that came later', () => {
    const roll = new Roll<string>()
    const [, middle] = ['a', 'b', 'c'].map((member) => roll.enter(member))
    if (middle) roll.leave(middle)
    assert.deepEqual(middle, { member: undefined, before: undefined, after: undefined })
    assert.deepEqual(roll.oldest(), ['a', 'c'])
  })
})
