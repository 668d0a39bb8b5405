import assert from 'node:assert/strict'
import { measureLoopUse, watchLoop } from '../../src/overload/loop.ts'
import { MovedClock } from '../support/clock.ts'

const idle = () => 0

/** A clock whose alarms ring late, as those of an event loop that is busy. */
class LateClock extends MovedClock {
  lateMs = 0

  override after(ms: number, done: () => void): () => void {
    return super.after(ms + this.lateMs, done)
  }
}

describe('the event loop’s lag', () => {
  it('is nothing while timers come in time', () => {
    const clock = new MovedClock()
    const watch = watchLoop(clock, idle)
    clock.move(10_000)
    assert.equal(watch.lagMs(), 0)
    watch.stop()
  })

  it('is halved for one late timer, so that a single pause refuses nobody', () => {
    const clock = new LateClock()
    clock.lateMs = 160
    const watch = watchLoop(clock, idle)
    clock.move(209)
    assert.equal(watch.lagMs(), 0)
    clock.lateMs = 0
    clock.move(1)
    assert.equal(watch.lagMs(), 80)
    clock.move(50)
    assert.equal(watch.lagMs(), 40)
    watch.stop()
  })

  it('comes to what it is when the loop stays late, and goes when that is over', () => {
    const clock = new LateClock()
    clock.lateMs = 160
    const watch = watchLoop(clock, idle)
    clock.move(210 * 2)
    assert.equal(watch.lagMs(), 120)
    clock.move(210 * 20)
    assert.ok(watch.lagMs() > 159.9)
    clock.lateMs = 0
    clock.move(210 + 50 * 20)
    assert.ok(watch.lagMs() < 0.1)
    watch.stop()
  })

  it('leaves no timer behind when it is stopped', () => {
    const clock = new MovedClock()
    const watch = watchLoop(clock, idle)
    clock.move(500)
    watch.stop()
    assert.equal(clock.pending, 0)
  })
})

describe('an event loop', () => {
  /** What is thought of it after it was used so much in each of these samples. */
  function busyAfter(...uses: number[]): boolean {
    const clock = new MovedClock()
    const watch = watchLoop(clock, () => uses.shift() ?? Number.NaN)
    clock.move(50 * uses.length)
    watch.stop()
    return watch.busy()
  }

  it('is busy when it had no time to spare for several samples', () => {
    assert.equal(busyAfter(1, 1, 1, 1, 1), true)
  })

  it('is not busy for one burst, nor while a twentieth of its time is free', () => {
    assert.equal(busyAfter(0, 0, 0, 1, 1), false)
    assert.equal(busyAfter(...Array.from({ length: 100 }, () => 0.95)), false)
  })

  it('is not busy any more as soon as it has time again', () => {
    assert.equal(busyAfter(...Array.from({ length: 100 }, () => 1), 0.8), false)
  })

  it('is used for the share of the time in which it runs, since it was last asked', async () => {
    const use = measureLoopUse()
    await new Promise((resolve) => setImmediate(resolve))
    const until = performance.now() + 20
    while (performance.now() < until);
    const share = use()
    assert.ok(share > 0 && share <= 1, String(share))
  })
})
