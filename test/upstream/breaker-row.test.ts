import assert from 'node:assert/strict'
import { scene, send } from './breaking.ts'

/** Fails `count` times, evenly within `ms`. */
function failing({ breaker, clock }: ReturnType<typeof scene>, count: number, ms: number): void {
  send(breaker, '-')
  for (let i = 1; i < count; i++) {
    clock.move(ms / (count - 1))
    send(breaker, '-')
  }
}

describe('breaker: an upstream that does nothing but fail', () => {
  it('opens it long before its former successes are outvoted', () => {
    const test = scene({ rowMs: 1000 })
    send(test.breaker, '+'.repeat(1000))
    failing(test, 4, 1000)
    assert.equal(test.breaker.state, 'open')
  })

  for (const [name, count, ms] of [
    ['fewer times than the minimum', 3, 2000],
    ['for a shorter time', 50, 999],
    ['so rarely that the window holds too few of it', 4, 31_000],
  ] as const) {
    it(`leaves it closed when it fails ${name}`, () => {
      const test = scene({ rowMs: 1000 })
      send(test.breaker, '+'.repeat(1000))
      failing(test, count, ms)
      assert.equal(test.breaker.state, 'closed')
    })
  }

  it('begins anew with each success', () => {
    const test = scene({ rowMs: 1000 })
    send(test.breaker, '+'.repeat(1000))
    failing(test, 4, 900)
    send(test.breaker, '+')
    failing(test, 4, 900)
    assert.equal(test.breaker.state, 'closed')
    test.clock.move(100)
    send(test.breaker, '-')
    assert.equal(test.breaker.state, 'open')
  })

  it('begins anew after an opening', () => {
    const test = scene({ rowMs: 1000 })
    send(test.breaker, '+'.repeat(1000))
    failing(test, 4, 1000)
    test.clock.move(10_000)
    send(test.breaker, `+${'+'.repeat(1000)}`)
    send(test.breaker, '-')
    assert.equal(test.breaker.state, 'closed')
  })

  it('says nothing where only the rate is to count', () => {
    const test = scene()
    send(test.breaker, '+'.repeat(1000))
    failing(test, 100, 20_000)
    assert.equal(test.breaker.state, 'closed')
  })
})
