import assert from 'node:assert/strict'
import fc from 'fast-check'
import { timeoutError, Watchdog } from '../../src/upstream/watchdog.ts'
import { MovedClock } from '../support/clock.ts'

function watch(patience: { firstEventMs?: number; idleMs?: number; deadlineAt?: number } = {}) {
  const clock = new MovedClock()
  const ended: string[] = []
  const dog = new Watchdog(clock, { firstEventMs: 100, idleMs: 10, deadlineAt: 1000, ...patience }, (kind) => {
    ended.push(`${kind} at ${clock.now()}`)
  })
  return { clock, ended, dog }
}

describe('the watchdog of a try', () => {
  it('waits for the first event from the start', () => {
    const { clock, ended } = watch()
    clock.move(99)
    assert.deepEqual(ended, [])
    clock.move(1)
    assert.deepEqual(ended, ['first_event_timeout at 100'])
    clock.move(10_000)
    assert.equal(ended.length, 1)
  })

  it('waits for each further event from the last, however early the first came', () => {
    const { clock, ended, dog } = watch()
    clock.move(5)
    dog.feed()
    clock.move(9)
    dog.feed()
    clock.move(9)
    assert.deepEqual(ended, [])
    clock.move(1)
    assert.deepEqual(ended, ['idle_timeout at 24'])
  })

  it('ends with the whole request', () => {
    const { clock, ended, dog } = watch({ firstEventMs: 5000, deadlineAt: 300 })
    clock.move(299)
    dog.feed()
    clock.move(1)
    assert.deepEqual(ended, ['total_timeout at 300'])
  })

  it('does not count silence while it is paused, but the whole time', () => {
    const { clock, ended, dog } = watch({ deadlineAt: 500 })
    dog.feed()
    dog.pause()
    clock.move(300)
    assert.deepEqual(ended, [])
    dog.resume()
    clock.move(9)
    assert.deepEqual(ended, [])
    clock.move(1)
    assert.deepEqual(ended, ['idle_timeout at 310'])
    const paused = watch({ deadlineAt: 500 })
    paused.dog.feed()
    paused.dog.pause()
    paused.clock.move(500)
    assert.deepEqual(paused.ended, ['total_timeout at 500'])
  })

  it('leaves no alarm behind when it is stopped', () => {
    const { clock, ended, dog } = watch()
    dog.feed()
    dog.stop()
    assert.equal(clock.pending, 0)
    dog.feed()
    assert.equal(clock.pending, 0, 'an event that comes too late sets none')
    clock.move(10_000)
    assert.deepEqual(ended, [])
  })

  it('goes off exactly when an event is overdue, whatever the events', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 })
    fc.assert(
      fc.property(gaps, (waits) => {
        const { clock, ended, dog } = watch({ firstEventMs: 10, deadlineAt: 200 })
        let last = 0
        for (const wait of waits) {
          clock.move(wait)
          if (ended.length > 0) break
          dog.feed()
          last = clock.now()
        }
        clock.move(1000)
        const kind = last + 10 >= 200 ? 'total_timeout' : ended[0]?.split(' ')[0]
        assert.deepEqual(ended, [`${kind} at ${Math.min(last + 10, 200)}`])
      }),
    )
  })

  it('says what was late', () => {
    assert.match(timeoutError('idle_timeout').message, /fell silent/)
    assert.equal(timeoutError('total_timeout').status, 504)
  })
})
