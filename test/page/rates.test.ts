import assert from 'node:assert/strict'
import type { UpstreamView } from '../../src/page/frame.ts'
import { ratesBetween, upstreamRates } from '../../src/page/rates.ts'
import { frameAt, histogram } from './frames.ts'

describe('the rates between two frames', () => {
  it('are what was counted between them, by the second', () => {
    const then = frameAt(10, { ok: 100, refused: 10, failed: 4, left: 1, outputTokens: 50 })
    const now = frameAt(15, { ok: 140, refused: 15, failed: 8, left: 2, outputTokens: 100 })
    const { requests, ok, refused, failed, failedShare, outputTokens } = ratesBetween(then, now)
    assert.deepEqual([requests, ok, refused, failed, outputTokens], [10, 8, 1, 0.8, 10])
    assert.equal(failedShare, 0.08)
  })

  it('leave out times and shares where no request has ended', () => {
    const { requests, failedShare, median, p95, firstMedian } = ratesBetween(frameAt(1), frameAt(2))
    assert.deepEqual([requests, failedShare, median, p95, firstMedian], [0, undefined, undefined, undefined, undefined])
  })

  it('tell of the time between the frames only, not of what was observed before', () => {
    const then = frameAt(1, { duration: histogram(0, 0, 100) })
    const now = frameAt(2, { duration: histogram(2, 0, 100) })
    assert.equal(ratesBetween(then, now).median, 0.05)
  })

  it('are never negative nor endless, whatever the clock does', () => {
    const { requests } = ratesBetween(frameAt(5, { ok: 10 }), frameAt(5, { ok: 4 }))
    assert.equal(requests, 0)
    assert.ok(Number.isFinite(ratesBetween(frameAt(5), frameAt(5, { ok: 4 })).requests))
  })
})

describe('the rates of an upstream', () => {
  const upstream = (tries: number, failures: number): UpstreamView => ({
    name: 'near',
    state: 'closed',
    agreeing: 1,
    asked: 1,
    resting: false,
    waitMs: 0,
    inFlight: 0,
    priority: 0,
    weight: 1,
    tries,
    failures,
    firstEvent: histogram(tries),
  })
  const frame = (second: number, ...upstreams: UpstreamView[]) => frameAt(second, {}, { upstreams })

  it('are its own tries, failures and first events', () => {
    const rates = upstreamRates(frame(1, upstream(10, 0)), frame(3, upstream(20, 5)), 'near')
    assert.deepEqual(rates, { tries: 5, failedShare: 0.5, firstMedian: 0.05 })
  })

  it('are unknown for one that a reload has brought, and empty for one that was not asked', () => {
    assert.equal(upstreamRates(frame(1), frame(2, upstream(1, 0)), 'near'), undefined)
    const idle = upstreamRates(frame(1, upstream(1, 0)), frame(2, upstream(1, 0)), 'near')
    assert.deepEqual(idle, { tries: 0, failedShare: undefined, firstMedian: undefined })
  })
})
