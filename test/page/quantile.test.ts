import assert from 'node:assert/strict'
import fc from 'fast-check'
import { between, observed, quantile } from '../../src/page/quantile.ts'
import { histogram } from './frames.ts'

const inside = fc.array(fc.nat(1000), { minLength: 4, maxLength: 4 })
const share = fc.double({ min: 0.01, max: 1, noNaN: true })

describe('a quantile of a histogram', () => {
  it('lies within its bucket, as evenly spread observations would', () => {
    // The values are Prometheus's histogram_quantile for the same buckets.
    assert.equal(quantile(histogram(10, 0, 0), 0.5), 0.05)
    assert.equal(quantile(histogram(0, 10, 0), 0.5), 0.55)
    assert.equal(quantile(histogram(5, 3, 2), 0.9), 5.5)
  })

  it('is the highest bound for what is beyond it, and nothing where nothing was observed', () => {
    assert.equal(quantile(histogram(0, 0, 0, 4), 0.5), 10)
    assert.equal(quantile(histogram(), 0.5), undefined)
    assert.equal(quantile({ bounds: [], counts: [] }, 0.5), undefined)
  })

  it('never falls when a larger share is asked for', () => {
    fc.assert(
      fc.property(inside, share, share, (counts, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        const lower = quantile(histogram(...counts), low)
        const upper = quantile(histogram(...counts), high)
        assert.ok(lower === undefined ? upper === undefined : lower <= (upper ?? -1))
      }),
    )
  })
})

describe('what came between two readings', () => {
  it('is what the later one has and the earlier one had not', () => {
    assert.deepEqual(between(histogram(1, 2, 3), histogram(2, 2, 5, 1)), histogram(1, 0, 2, 1))
    assert.equal(observed(between(histogram(1), histogram(1, 0, 4))), 4)
  })

  it('is all of the later one where the metric was not there yet', () => {
    assert.deepEqual(between({ bounds: [], counts: [] }, histogram(1, 2)), histogram(1, 2))
  })
})
