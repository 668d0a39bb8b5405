import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { Redis } from 'ioredis'
import { systemClock } from '../../src/clock.ts'
import type { Caps } from '../../src/limit/counters.ts'
import { createLimiter, type Limiter } from '../../src/limit/limiter.ts'
import { openRedis, type TestRedis } from '../support/redis.ts'

/** A limiter and what it said about its store. */
interface Watched {
  readonly limiter: Limiter
  readonly said: { active: boolean; reason: string }[]
  /** Resolves when the limiter next says that its store is away, or back. */
  says(active: boolean): Promise<unknown>
  take(client: string, times: number): Promise<number>
}

function watchLimiter(redisUrl: string, caps: Partial<Caps>): Watched {
  const said: Watched['said'] = []
  const events = new EventEmitter()
  const limiter = createLimiter({
    ...{ requests: 0, tokens: 0, concurrency: 0, ...caps },
    overrides: new Map(),
    store: 'redis',
    redisUrl,
    workers: 2,
    clock: systemClock,
    onFallback(active, reason) {
      said.push({ active, reason })
      events.emit(String(active))
    },
  })
  return {
    limiter,
    said,
    says: (active) => once(events, String(active)),
    async take(client, times) {
      const grants = await Promise.all(Array.from({ length: times }, () => limiter.take(client)))
      return grants.filter((grant) => grant.ok).length
    },
  }
}

describe('limits while Redis is away', () => {
  let redis: TestRedis
  const opened: Watched[] = []
  const open = (caps: Partial<Caps>) => {
    const watched = watchLimiter(redis.url, caps)
    opened.push(watched)
    return watched
  }
  const actives = (watched: Watched) => watched.said.map(({ active }) => active)

  beforeEach(async function () {
    redis = await openRedis(this)
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ limiter }) => limiter.close()))
    await redis?.close()
  })

  it('goes on at once with this process’s share, says so once, and returns', async () => {
    const watched = open({ requests: 100 })
    assert.equal(await watched.take('a', 60), 60)
    assert.equal(watched.limiter.fallback, false)

    const away = watched.says(true)
    await redis.stop()
    await away
    assert.equal(watched.limiter.fallback, true)
    assert.equal(await watched.take('a', 200), 50, 'half of the limit for each of two workers')
    assert.equal((await watched.limiter.take('a')).requests?.limit, 50, 'the header shows what is in force')
    assert.deepEqual(actives(watched), [true])

    const back = watched.says(false)
    await redis.start()
    await back
    assert.equal(watched.limiter.fallback, false)
    assert.equal(await watched.take('a', 200), 100)
    assert.deepEqual(actives(watched), [true, false])
  })

  it('notices that Redis is gone while nobody asks, and the reason names no address', async () => {
    const watched = open({ requests: 100 })
    await watched.take('a', 1)
    const away = watched.says(true)
    await redis.stop()
    await away
    assert.match(watched.said[0]?.reason ?? '', /^(connection closed|[A-Za-z_]+)$/)
  })

  it('works before Redis does', async () => {
    await redis.stop()
    const watched = open({ requests: 10 })
    assert.equal(await watched.take('a', 20), 5)
    assert.deepEqual(watched.said, [{ active: true, reason: 'ECONNREFUSED' }])
    const back = watched.says(false)
    await redis.start()
    await back
    assert.equal(await watched.take('a', 20), 10)
  })

  it('answers every request while Redis comes and goes', async () => {
    const watched = open({ requests: 1e6, tokens: 1e6, concurrency: 1e6 })
    let running = true
    let answered = 0
    const asking = (async () => {
      while (running) {
        answered += await watched.take('a', 50)
        for (let slot = 0; slot < 50; slot++) watched.limiter.release('a')
        watched.limiter.charge('a', 1)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let round = 0; round < 3; round++) {
      const away = watched.says(true)
      await redis.stop()
      await away
      const back = watched.says(false)
      await redis.start()
      await back
    }
    running = false
    await asking
    assert.ok(answered > 0)
    assert.equal(answered % 50, 0, 'each of them was admitted')
  })

  it('answers what a frozen Redis owes, asks it no more, and returns', async () => {
    const watched = open({ requests: 100, concurrency: 1000 })
    assert.equal(await watched.take('a', 1), 1)
    redis.freeze()
    assert.equal(await watched.take('a', 200), 50)
    assert.deepEqual(actives(watched), [true])
    const anything = new Promise((resolve) => setImmediate(resolve, 'not at once'))
    assert.equal(await Promise.race([watched.take('b', 200), anything]), 50)
    const back = watched.says(false)
    redis.thaw()
    await back
    assert.equal(watched.limiter.fallback, false)
  })

  it('leaves no slot taken by what a frozen Redis was asked for and carries out when it wakes', async () => {
    const watched = open({ concurrency: 2 })
    assert.equal(await watched.take('a', 1), 1)
    watched.limiter.release('a')
    redis.freeze()
    assert.equal(await watched.take('a', 2), 1, 'its share')
    watched.limiter.release('a')
    const back = watched.says(false)
    redis.thaw()
    await back
    assert.equal(await watched.take('a', 3), 2)
  })

  it('closes although Redis hangs', async () => {
    const watched = open({ concurrency: 100 })
    assert.equal(await watched.take('a', 1), 1)
    redis.freeze()
    watched.limiter.release('a')
    assert.equal(await watched.limiter.close(), undefined)
  })

  it('enters the slots of both times when Redis is back empty', async () => {
    const watched = open({ concurrency: 4 })
    const other = open({ concurrency: 4 })
    assert.equal(await watched.take('a', 1), 1)
    assert.equal(await other.take('b', 1), 1)
    const away = Promise.all([watched.says(true), other.says(true)])
    await redis.stop()
    await away
    assert.equal(await watched.take('a', 3), 1, 'two are its share, and one was held before')

    const back = Promise.all([watched.says(false), other.says(false)])
    await redis.start()
    await back
    assert.equal(await watched.take('b', 1), 1, 'asked on the connection that entered the slots')
    assert.equal(await other.take('a', 4), 2)
  })

  it('gives back slots wherever they were taken', async () => {
    const watched = open({ concurrency: 4 })
    assert.equal(await watched.take('a', 1), 1)
    const away = watched.says(true)
    await redis.stop()
    await away
    assert.equal(await watched.take('a', 1), 1)
    watched.limiter.release('a')
    watched.limiter.release('a')
    assert.equal(await watched.take('a', 4), 2)
    const back = watched.says(false)
    await redis.start()
    await back
    watched.limiter.release('a')
    watched.limiter.release('a')
    assert.equal(await watched.take('b', 1), 1, 'what was sent before has been answered')
    assert.equal(await watched.take('a', 5), 4)
  })

  it('charges tokens to this process meanwhile', async () => {
    const watched = open({ tokens: 100 })
    assert.equal(await watched.take('a', 1), 1)
    const away = watched.says(true)
    await redis.stop()
    await away
    watched.limiter.charge('a', 49)
    assert.equal(await watched.take('a', 1), 1)
    watched.limiter.charge('a', 1)
    assert.equal(await watched.take('b', 1), 1, 'the charge has been counted')
    assert.equal(await watched.take('a', 1), 0)
  })

  it('treats a Redis that can only be read as away, and does not change its mind at each look', async () => {
    const watched = open({ tokens: 100 })
    const admin = new Redis(redis.url)
    assert.equal(await watched.take('a', 1), 1)
    await admin.replicaof('127.0.0.1', '1')
    const away = watched.says(true)
    watched.limiter.charge('a', 10)
    await away
    for (let look = 0; look < 5; look++) {
      await watched.take('a', 1)
      watched.limiter.charge('a', 1)
    }
    await watched.take('a', 1)
    assert.deepEqual(watched.said, [{ active: true, reason: 'ReplyError' }])
    const back = watched.says(false)
    await admin.replicaof('NO', 'ONE')
    watched.limiter.charge('a', 1)
    await back
    await admin.quit()
  })
})
