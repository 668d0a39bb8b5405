import assert from 'node:assert/strict'
import { PeakEwma } from '../../src/upstream/latency.ts'

describe('peak EWMA', () => {
  it('knows nothing until something is measured', () => {
    assert.equal(new PeakEwma().at(5000), 0)
  })

  it('takes a slower answer in full at once', () => {
    const average = new PeakEwma()
    average.observe(100, 0)
    average.observe(900, 1)
    assert.equal(average.at(1), 900)
  })

  it('believes a faster answer only with time', () => {
    const average = new PeakEwma()
    average.observe(1000, 0)
    average.observe(100, 0)
    assert.equal(average.at(0), 1000)
    average.observe(100, 10_000)
    // 1000 × e⁻¹ + 100 × (1 − e⁻¹)
    assert.equal(Math.round(average.at(10_000)), 431)
  })

  it('rises to what was waited for in vain, and never falls for it', () => {
    const average = new PeakEwma()
    average.outwaited(300, 0)
    assert.equal(average.at(0), 300)
    average.outwaited(200, 0)
    assert.equal(average.at(0), 300)
    average.outwaited(200, 10_000)
    assert.equal(average.at(10_000), 200)
  })

  it('fades by 63 % in ten seconds without a measurement', () => {
    const average = new PeakEwma()
    average.observe(1000, 0)
    assert.equal(Math.round(average.at(10_000)), 368)
  })
})
