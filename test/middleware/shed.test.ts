import assert from 'node:assert/strict'
import { type Load, shed } from '../../src/middleware/shed.ts'
import { serve } from '../limit/serve.ts'

const calm: Load = { inFlight: () => 1, lagMs: () => 0, draining: () => false }
const caps = { maxConcurrency: 10, maxLagMs: 100 }

/** Asks once under a load and tells what came back, and whether anything behind the stage ran. */
async function askUnder(load: Partial<Load>, { maxLagMs } = caps) {
  let reached = false
  const served = await serve([
    shed({ ...calm, ...load }, { ...caps, maxLagMs }, () => 7),
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
    assert.deepEqual([status, code, retryAfter, reached], [503, 'overloaded', '7', false])
  })

  it('refuses while the event loop is late', async () => {
    assert.equal((await askUnder({ lagMs: () => 100 })).status, 200)
    const { status, code, retryAfter, reached } = await askUnder({ lagMs: () => 100.1 })
    assert.deepEqual([status, code, retryAfter, reached], [503, 'overloaded', '7', false])
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
