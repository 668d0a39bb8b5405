import assert from 'node:assert/strict'
import fc from 'fast-check'
import { clearlyAbove, inBlocks, median, type Point, quantile, regression, spread } from '../../bench/statistics.ts'

const figures = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 30 })
const near = (one: number, other: number) => assert.ok(Math.abs(one - other) < 1e-6, `${one} is not ${other}`)

describe('the middle of figures', () => {
  it('is the one in the middle, or between the two there', () => {
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([1, 2, 10, 20]), 6)
    assert.ok(Number.isNaN(median([])))
  })

  it('has as many below as above, in whatever order they come', () => {
    fc.assert(
      fc.property(figures, (all) => {
        const middle = median(all)
        const below = all.filter((one) => one < middle).length
        const above = all.filter((one) => one > middle).length
        assert.ok(below <= all.length / 2 && above <= all.length / 2)
        assert.equal(median(all.toReversed()), middle)
      }),
    )
  })

  it('leaves what it was given as it was', () => {
    const all = [3, 1, 2]
    median(all)
    assert.deepEqual(all, [3, 1, 2])
  })
})

describe('a quantile', () => {
  it('lies between its neighbours', () => {
    assert.equal(quantile([0, 10], 0.25), 2.5)
    assert.equal(quantile([1, 2, 3], 0), 1)
    assert.equal(quantile([1, 2, 3], 1), 3)
  })
})

describe('the spread', () => {
  it('is half the range as a share of the median', () => assert.equal(spread([90, 100, 110]), 0.1))
  it('is nothing for figures that agree', () => assert.equal(spread([7, 7, 7]), 0))
})

describe('a line through points', () => {
  it('finds the line that they lie on, with no error', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }), (slope, start) => {
        const line = regression([0, 1, 2, 5, 9].map((x): Point => [x, start + slope * x]))
        near(line.slope, slope)
        near(line.start, start)
        near(line.error, 0)
      }),
    )
  })

  it('knows how uncertain its slope is', () => {
    // By hand: the rests are 1/6, -1/3 and 1/6, their squares sum to 1/6, the x spread by 2.
    const { slope, error } = regression([
      [0, 0],
      [1, 0],
      [2, 1],
    ])
    near(slope, 0.5)
    near(error, Math.sqrt(1 / 6 / 1 / 2))
  })

  it('has no error to tell of two points', () => {
    assert.ok(
      Number.isNaN(
        regression([
          [0, 0],
          [1, 1],
        ]).error,
      ),
    )
  })
})

describe('the verdict on growth', () => {
  it('is that it grows only when chance does not explain it', () => {
    assert.equal(clearlyAbove({ slope: 5, error: 1, start: 0 }, 2), true)
    assert.equal(clearlyAbove({ slope: 5, error: 2, start: 0 }, 2), false)
    assert.equal(clearlyAbove({ slope: 1, error: 0, start: 0 }, 2), false)
  })
})

describe('blocks of points', () => {
  it('are the means of neighbours, and lose none', () => {
    const points = Array.from({ length: 10 }, (_, at): Point => [at, at * 2])
    assert.deepEqual(inBlocks(points, 5), [
      [0.5, 1],
      [2.5, 5],
      [4.5, 9],
      [6.5, 13],
      [8.5, 17],
    ])
    assert.equal(inBlocks(points, 4).length, 4)
    assert.deepEqual(inBlocks(points.slice(0, 2), 20), points.slice(0, 2))
  })
})
