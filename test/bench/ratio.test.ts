import assert from 'node:assert/strict'
import { allowedRise, isTooSlow, measureRatio, patientPlan, quickPlan, readRecorded } from '../../bench/ratio.ts'
import { Stand } from '../../bench/stand.ts'
import { need } from '../support/need.ts'
import { needNginx } from '../support/nginx.ts'

describe('the CPU time of a request', function () {
  this.timeout(180_000)

  before(function () {
    needNginx(this)
    need(this, { command: 'wrk', brings: 'wrk', without: 'OPENAI_PROXY_TESTS_WITHOUT_WRK' })
  })

  let stand: Stand
  before(async () => {
    stand = await Stand.open()
  })
  after(() => stand?.close())

  it('is not far above what was recorded, as a multiple of the floor in the same run', async () => {
    const recorded = readRecorded()
    let { ratio, all } = await measureRatio(stand, quickPlan)
    // Another's work on the same machine falls on some rounds only, so that more of them settle it.
    if (isTooSlow(ratio, recorded.ratio)) ({ ratio, all } = await measureRatio(stand, patientPlan))
    const rounds = all.map((one) => one.toFixed(2)).join(', ')
    const figures = `${ratio.toFixed(2)} × the floor (rounds: ${rounds}); recorded: ${recorded.ratio} at ${recorded.commit}`
    console.log(`      ${figures}`)
    assert.ok(
      !isTooSlow(ratio, recorded.ratio),
      `${figures}. It may be ${allowedRise} × that. Find what was added with bench:compare and bench:profile.`,
    )
  })
})

describe('the verdict on a ratio', () => {
  it('lets pass what is no more than half above the recorded one', () => {
    assert.equal(isTooSlow(3.0, 2), false)
    assert.equal(isTooSlow(3.01, 2), true)
  })

  it('does not let pass what could not be measured', () => {
    assert.equal(isTooSlow(Number.NaN, 2), true)
    assert.equal(isTooSlow(1, Number.NaN), true)
  })
})
