import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { ProxyError } from '../../src/errors.ts'
import type { Flow } from '../../src/upstream/consumer.ts'
import { Gather } from '../../src/upstream/gather.ts'

/** Notes what a consumer asks of its try. */
function flow() {
  const over = Promise.withResolvers<ProxyError | undefined>()
  const calls: string[] = []
  const self: Flow = {
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    done: () => over.resolve(undefined),
    nearlyDone: () => {},
    fail: (error) => over.resolve(error),
    work(part) {
      try {
        part()
      } catch (error) {
        over.resolve(error as ProxyError)
      }
    },
  }
  return { self, calls, over: over.promise }
}

describe('gathering a body', () => {
  it('keeps it as it comes', async () => {
    const { self, over } = flow()
    const gather = new Gather(10)
    gather.begin({ status: 200, headers: {} }, self)
    for (const piece of ['ab', 'é']) gather.push(Buffer.from(piece))
    gather.end()
    assert.equal(await over, undefined)
    assert.deepEqual([gather.text, gather.events, gather.committed, gather.whole], ['abé', 2, false, false])
  })

  it('may be of nothing', async () => {
    const { self, over } = flow()
    const gather = new Gather(10)
    gather.begin({ status: 200, headers: {} }, self)
    gather.end()
    assert.equal(await over, undefined)
    assert.equal(gather.body.length, 0)
  })

  it('stops at its cap', () => {
    const { self } = flow()
    const gather = new Gather(10)
    gather.begin({ status: 200, headers: {} }, self)
    gather.push(Buffer.alloc(10))
    assert.throws(() => gather.push(Buffer.alloc(1)), { code: 'upstream_too_large' })
  })

  it('decompresses, and counts what that yields', async () => {
    const whole = flow()
    const gather = new Gather(1000)
    gather.begin({ status: 200, headers: { 'content-encoding': 'gzip' } }, whole.self)
    gather.push(gzipSync('x'.repeat(1000)))
    gather.end()
    assert.equal(await whole.over, undefined)
    assert.equal(gather.body.length, 1000)

    const bomb = flow()
    const small = new Gather(1000)
    small.begin({ status: 200, headers: { 'content-encoding': 'gzip' } }, bomb.self)
    small.push(gzipSync('x'.repeat(1_000_000)))
    assert.equal((await bomb.over)?.code, 'upstream_too_large')
    small.destroy()
  })

  it('lets the upstream wait while the decompressor has enough to do', async () => {
    const { self, calls, over } = flow()
    const gather = new Gather(1_000_000)
    gather.begin({ status: 200, headers: { 'content-encoding': 'gzip' } }, self)
    gather.push(gzipSync(Buffer.alloc(500_000), { level: 0 }))
    assert.deepEqual(calls, ['pause'])
    gather.end()
    assert.equal(await over, undefined)
    assert.deepEqual(calls, ['pause', 'resume'])
  })
})
