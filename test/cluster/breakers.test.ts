import assert from 'node:assert/strict'
import { SharedBreakers } from '../../src/cluster/breakers.ts'
import type { BreakerMessage } from '../../src/wiring/surroundings.ts'
import { MovedClock } from '../support/clock.ts'

function listener() {
  const heard: BreakerMessage[] = []
  return { heard, tell: (message: BreakerMessage) => heard.push(message) }
}

describe('breakers that workers share', () => {
  it('passes what one worker tells on to the others', () => {
    const clock = new MovedClock()
    const [other, another] = [listener(), listener()]
    const opened = { kind: 'breaker', upstream: 'a', state: 'open', until: clock.wall() + 1000 } as const
    new SharedBreakers(clock).relay(opened, [other, another])
    assert.deepEqual([other.heard, another.heard], [[opened], [opened]])
  })

  it('tells a worker that starts later of those that are still open', () => {
    const clock = new MovedClock()
    const breakers = new SharedBreakers(clock)
    const opened = { kind: 'breaker', upstream: 'a', state: 'open', until: clock.wall() + 1000 } as const
    breakers.relay(opened, [])
    breakers.relay({ ...opened, upstream: 'b' }, [])
    breakers.relay({ kind: 'breaker', upstream: 'b', state: 'closed', until: 0 }, [])
    assert.deepEqual(breakers.open(), [opened])
    clock.move(1000)
    assert.deepEqual(breakers.open(), [])
  })

  it('tells a worker that was starting meanwhile what it has missed, and nothing twice', () => {
    const clock = new MovedClock()
    const breakers = new SharedBreakers(clock)
    const change = (upstream: string, state: 'open' | 'closed', until = clock.wall() + 1000) => {
      const message = { kind: 'breaker', upstream, state, until } as const
      breakers.relay(message, [])
      return message
    }
    for (const upstream of ['a', 'b', 'c', 'd']) change(upstream, 'open')
    change('d', 'closed', 0)
    const known = breakers.open()
    const missed = [change('b', 'closed', 0), change('c', 'open', clock.wall() + 2000), change('e', 'open')]
    change('f', 'open')
    change('f', 'closed', 0)
    assert.deepEqual(breakers.missedBy(known), missed)
  })
})
