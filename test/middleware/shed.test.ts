import assert from 'node:assert/strict'
import { type Load, shed, watchLag } from '../../src/middleware/shed.ts'
import { serve } from '../limit/serve.ts'
import { MovedClock } from '../support/clock.ts'

const calm: Load = { inFlight: () => 1, lagMs: () => 0, draining: () => false }
const caps = { maxConcurrency: 10, maxLagMs: 100 }

/** Asks once under a load and tells what came back, and whether anything behind the stage ran. */
async function askUnder(load: Partial<Load>, { maxLagMs } = caps) {
  let reached = false
  const served = await serve([
    shed({ ...calm, ...load }, { ...caps, maxLagMs }),
    async (ctx) => {
      reached = true
      ctx.body = 'answered'
    },
  ])
  const { status, headers, body } = await served.get()
  await served.close()
  return { status, code: body.error?.code, retryAfter: headers['retry-after'], connection: headers.connection, reached }
}

describe('shedding load', () => {
  it('lets everything in while there is room', async () => {
    const { status, reached } = await askUnder({})
    assert.deepEqual({ status, reached }, { status: 200, reached: true })
  })

  it('lets in as many at once as the cap says', async () => {
    assert.equal((await askUnder({ inFlight: () => 10 })).status, 200)
  })

  it('refuses one more, before anything else runs', async () => {
    const { status, code, retryAfter, reached } = await askUnder({ inFlight: () => 11 })
    assert.deepEqual([status, code, retryAfter, reached], [503, 'overloaded', '1', false])
  })

  it('refuses while the event loop is late', async () => {
    assert.equal((await askUnder({ lagMs: () => 100 })).status, 200)
    const { status, code, retryAfter, reached } = await askUnder({ lagMs: () => 100.1 })
    assert.deepEqual([status, code, retryAfter, reached], [503, 'overloaded', '1', false])
  })

  it('minds no lag at all when that is turned off', async () => {
    assert.equal((await askUnder({ lagMs: () => 60_000 }, { ...caps, maxLagMs: 0 })).status, 200)
  })

  it('refuses while draining, and closes the connection so that the client goes elsewhere', async () => {
    const { status, code, retryAfter, connection, reached } = await askUnder({ draining: () => true })
    assert.deepEqual([status, code, retryAfter, connection, reached], [503, 'draining', '1', 'close', false])
  })

  it('says draining, not overloaded, when both are so', async () => {
    assert.equal((await askUnder({ draining: () => true, inFlight: () => 99 })).code, 'draining')
  })
})

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
    const watch = watchLag(clock)
    clock.move(10_000)
    assert.equal(watch.lagMs(), 0)
    watch.stop()
  })

  it('is halved for one late timer, so that a single pause refuses nobody', () => {
    const clock = new LateClock()
    clock.lateMs = 160
    const watch = watchLag(clock)
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
    const watch = watchLag(clock)
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
    const watch = watchLag(clock)
    clock.move(500)
    watch.stop()
    assert.equal(clock.pending, 0)
  })
})
