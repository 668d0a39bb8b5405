import assert from 'node:assert/strict'
import {
  amount,
  bytes,
  duration,
  grouped,
  none,
  percent,
  roundDuration,
  short,
  span,
  timeSteps,
} from '../../src/page/units.ts'

describe('the units of the page', () => {
  it('show a rate with the digits that say something', () => {
    assert.deepEqual([0, 0.001, 0.25, 3.14, 42.4, 1240].map(amount), ['0', '<0.01', '0.25', '3.1', '42', '1,240'])
    assert.equal(grouped(1_234_567), '1,234,567')
  })

  it('show a time in the unit that suits it, and never 60 seconds or 1000 milliseconds', () => {
    const shown = [0, 0.00008, 0.0042, 0.24, 0.9996, 1.236, 12.34, 59.96, 125, 11_520, 360_000].map(duration)
    assert.deepEqual(shown, [
      '0',
      '80 µs',
      '4.2 ms',
      '240 ms',
      '1.00 s',
      '1.24 s',
      '12.3 s',
      '1 min',
      '2 min 5 s',
      '3 h 12 min',
      '4 d 4 h',
    ])
    assert.deepEqual([0, 60, 3600, 86_400].map(span), ['0 s', '1 min', '1 h', '1 d'])
  })

  it('show round numbers at an axis without digits that are all 0', () => {
    assert.deepEqual([0, 0.25, 1, 2.5, 120].map(roundDuration), ['0', '250 ms', '1 s', '2.5 s', '2 min'])
    assert.deepEqual([0.1 + 0.2, 5, 1200].map(short), ['0.3', '5', '1200'])
  })

  it('show whole and half minutes at a time axis, however many of its marks there is room for', () => {
    // Room for four or five of them, so that the seventh is beyond any axis.
    const marksUpTo = (most: number) => {
      const step = timeSteps.find((each) => most / each < 5) ?? most
      return [1, 2, 3, 4].map((mark) => mark * step).filter((mark) => mark <= most)
    }
    for (let most = 60; most < 3600; most++) {
      for (const mark of marksUpTo(most)) assert.match(roundDuration(mark), /^(\d+ s|\d+(\.5)? min)$/)
    }
    assert.deepEqual(marksUpTo(117).map(roundDuration), ['30 s', '1 min', '1.5 min'])
  })

  it('show bytes and shares, and a failure among thousands as more than nothing', () => {
    assert.deepEqual([0, 820, 1536, 14_336, 2 ** 27, 2 ** 30 * 1.25].map(bytes), [
      '0 B',
      '820 B',
      '1.5 kB',
      '14 kB',
      '128 MB',
      '1.3 GB',
    ])
    assert.deepEqual([0, 0.0001, 0.034, 0.5, 1].map(percent), ['0 %', '<0.1 %', '3.4 %', '50 %', '100 %'])
  })

  it('show a dash for what is not known', () => {
    assert.deepEqual([amount(undefined), duration(undefined), percent(undefined)], [none, none, none])
  })
})
