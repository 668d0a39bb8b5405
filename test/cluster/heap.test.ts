import assert from 'node:assert/strict'
import { watchHeap } from '../../src/cluster/heap.ts'
import { MovedClock } from '../support/clock.ts'

const checkMs = 5000

function watching(options: { idle?: boolean; collects?: (watch: { used: number }) => void } = {}) {
  const clock = new MovedClock()
  const heap = { used: 50, collections: 0 }
  const tooLarge: number[] = []
  const stop = watchHeap({
    maxBytes: 100,
    clock,
    used: () => heap.used,
    idle: () => options.idle ?? false,
    collect: options.collects && (() => options.collects?.(heap)),
    onTooLarge: (used) => tooLarge.push(used),
  })
  return { clock, heap, tooLarge, stop }
}

describe('the watch over the heap', () => {
  it('says that the heap stays above its bound, and again each minute, since the first replacement may have failed', () => {
    const { clock, heap, tooLarge } = watching()
    heap.used = 101
    clock.move(2 * checkMs)
    assert.deepEqual(tooLarge, [])
    clock.move(checkMs)
    assert.deepEqual(tooLarge, [101])
    clock.move(59_999)
    assert.deepEqual(tooLarge, [101])
    clock.move(1)
    assert.deepEqual(tooLarge, [101, 101])
  })

  it('begins anew when the heap has come down and grows again', () => {
    const { clock, heap, tooLarge } = watching()
    heap.used = 101
    clock.move(3 * checkMs)
    heap.used = 50
    clock.move(checkMs)
    heap.used = 102
    clock.move(2 * checkMs)
    assert.deepEqual(tooLarge, [101])
    clock.move(checkMs)
    assert.deepEqual(tooLarge, [101, 102])
  })

  it('does not mind a heap that is too large only until its garbage is collected', () => {
    const { clock, heap, tooLarge } = watching()
    for (let round = 0; round < 10; round++) {
      heap.used = 150
      clock.move(2 * checkMs)
      heap.used = 50
      clock.move(checkMs)
    }
    assert.deepEqual(tooLarge, [])
  })

  it('collects garbage while nothing runs and the heap is nearly full, where Node lets it', () => {
    let collections = 0
    const { clock, heap, tooLarge } = watching({
      idle: true,
      collects(watched) {
        collections++
        watched.used = 40
      },
    })
    clock.move(checkMs)
    assert.equal(collections, 0)
    heap.used = 120
    clock.move(checkMs)
    assert.equal(collections, 1)
    clock.move(10 * checkMs)
    assert.deepEqual([collections, tooLarge], [1, []])
  })

  it('never collects while requests run', () => {
    let collections = 0
    const { clock, heap } = watching({ idle: false, collects: () => collections++ })
    heap.used = 90
    clock.move(10 * checkMs)
    assert.equal(collections, 0)
  })

  it('leaves no timer behind when it is stopped, and sets none when it is off', () => {
    const { clock, stop } = watching()
    stop()
    assert.equal(clock.pending, 0)
    watchHeap({ maxBytes: 0, clock, used: () => 1, idle: () => true, collect: undefined, onTooLarge() {} })
    assert.equal(clock.pending, 0)
  })
})
