import assert from 'node:assert/strict'
import { systemClock } from '../src/clock.ts'

describe('the clock of the system', () => {
  it('lets nobody go off at once whose time is longer than Node can count', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    const cancels = [2 ** 31, Number.POSITIVE_INFINITY].map((ms) => systemClock.after(ms, () => {}))
    await new Promise((resolve) => setImmediate(resolve))
    for (const cancel of cancels) cancel()
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })
})
