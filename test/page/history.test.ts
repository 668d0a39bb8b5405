import assert from 'node:assert/strict'
import { History } from '../../src/page/history.ts'
import { frameAt } from './frames.ts'

const spans = { keptMs: 300_000, smoothMs: 10_000, recentMs: 60_000 }

function historyOf(...frames: ReturnType<typeof frameAt>[]): History {
  const history = new History(spans)
  for (const frame of frames) history.add(frame)
  return history
}

describe('the history of frames', () => {
  it('has a rate from the second frame on', () => {
    const { points } = historyOf(frameAt(0), frameAt(1, { ok: 3 }))
    assert.deepEqual(
      points.map(({ rates }) => rates?.requests),
      [undefined, 3],
    )
  })

  it('compares each frame with the one ten seconds before, and the latest with the one of a minute ago', () => {
    const history = historyOf(...Array.from({ length: 121 }, (_, second) => frameAt(second, { ok: second * second })))
    assert.equal(history.points.at(-1)?.rates?.requests, (120 ** 2 - 110 ** 2) / 10)
    assert.equal(history.recent()?.uptime, 60)
  })

  it('forgets what is older than it shows', () => {
    const { points } = historyOf(...Array.from({ length: 1000 }, (_, second) => frameAt(second)))
    assert.equal(points.length, 301)
  })

  it('breaks the line off where frames are missing', () => {
    const { points } = historyOf(frameAt(0), frameAt(1), frameAt(60))
    assert.deepEqual(
      points.map(({ rates }) => rates !== undefined),
      [false, true, false, false],
    )
  })

  it('begins anew after the program was started anew, and never shows what a fall would make', () => {
    const before = [frameAt(100, { ok: 500 }), frameAt(101, { ok: 501 })]
    const after = [frameAt(102, { ok: 0 }, { uptime: 1 }), frameAt(103, { ok: 2 }, { uptime: 2 })]
    const { points } = historyOf(...before, ...after)
    assert.deepEqual(
      points.map(({ rates }) => rates?.requests),
      [undefined, 1, undefined, 2],
    )
  })

  it('begins anew as well where the new run is older by now than the old one was', () => {
    const before = [frameAt(100, { ok: 500 }, { uptime: 1 }), frameAt(101, { ok: 501 }, { uptime: 2 })]
    const after = [frameAt(107, { ok: 0 }, { uptime: 3 }), frameAt(108, { ok: 2 }, { uptime: 4 })]
    const history = historyOf(...before, ...after)
    assert.deepEqual(
      history.points.map(({ rates }) => rates?.requests),
      [undefined, 1, undefined, 2],
    )
    assert.equal(history.recent()?.uptime, 3)
  })

  it('draws nothing of what was before the clock was put back, or a line would go backwards', () => {
    const { points } = historyOf(frameAt(100), frameAt(101), frameAt(40, {}, { uptime: 102 }), frameAt(41))
    assert.deepEqual(
      points.map(({ at }) => at - points[0]!.at),
      [0, 1],
    )
  })
})
