import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { Caps } from '../../src/limit/counters.ts'
import { createLimiter, type Limiter, type LimiterOptions } from '../../src/limit/limiter.ts'
import { MovedClock } from '../support/clock.ts'

const off: LimiterOptions = {
  requests: 0,
  tokens: 0,
  concurrency: 0,
  overrides: new Map(),
  store: 'cluster',
  workers: 0,
  clock: new MovedClock(),
  onFallback: (_active, reason) => assert.fail(reason),
}

async function admitted(limiter: Limiter, client: string, times: number): Promise<number> {
  const grants = await Promise.all(Array.from({ length: times }, () => limiter.take(client)))
  return grants.filter((grant) => grant.ok).length
}

describe('limits of one process', () => {
  const limiterOf = (caps: Partial<Caps>, overrides: [string, Partial<Caps>][] = []) =>
    createLimiter({ ...off, ...caps, overrides: new Map(overrides) })

  // rate-limiter-flexible reads the process's own clock and timers, so these are moved.
  beforeEach(() => mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_700_000_000_000 }))
  afterEach(() => mock.timers.reset())

  it('nothing is counted when all limits are off', async () => {
    const limiter = limiterOf({})
    assert.deepEqual(await limiter.take('a'), { ok: true, retryAfterMs: 0 })
    assert.equal(limiter.take('a'), limiter.take('b'), 'not even a promise is made')
    limiter.charge('a', 5)
    limiter.release('a')
    assert.equal(limiter.fallback, false)
    await limiter.close()
  })

  it('no store is opened when all limits are off', () => {
    assert.doesNotThrow(() => createLimiter({ ...off, store: 'redis' }))
    assert.throws(() => createLimiter({ ...off, store: 'redis', requests: 1 }), /REDIS_URL/)
  })

  it('exactly as many requests as the limit are admitted in a minute', async () => {
    const limiter = limiterOf({ requests: 77 })
    assert.equal(await admitted(limiter, 'a', 10_000), 77)
    assert.equal(await admitted(limiter, 'b', 100), 77)
  })

  it('nobody is told to wait for longer than a minute, though the clock is set back', async () => {
    const limiter = limiterOf({ requests: 1, tokens: 10 })
    await limiter.take('a')
    limiter.charge('a', 10)
    mock.timers.setTime(1_700_000_000_000 - 3_600_000)
    const { ok, retryAfterMs, requests } = await limiter.take('a')
    assert.deepEqual([ok, retryAfterMs, requests?.resetMs], [false, 60_000, 60_000])
  })

  it('the minute begins with the first request and ends as the grant says', async () => {
    const limiter = limiterOf({ requests: 2 })
    assert.deepEqual(await limiter.take('a'), {
      ok: true,
      retryAfterMs: 0,
      requests: { limit: 2, remaining: 1, resetMs: 60_000 },
    })
    mock.timers.tick(59_000)
    assert.equal((await limiter.take('a')).ok, true)
    assert.deepEqual(await limiter.take('a'), {
      ok: false,
      refusedBy: 'requests',
      retryAfterMs: 1000,
      requests: { limit: 2, remaining: 0, resetMs: 1000 },
    })
    mock.timers.tick(999)
    assert.equal(await admitted(limiter, 'a', 5), 0)
    mock.timers.tick(1)
    assert.equal(await admitted(limiter, 'a', 5), 2)
  })

  it('a client is admitted while any token is left, and may then overdraw', async () => {
    const limiter = limiterOf({ tokens: 100 })
    assert.deepEqual((await limiter.take('a')).tokens, { limit: 100, remaining: 100, resetMs: 0 })
    limiter.charge('a', 99)
    mock.timers.tick(10_000)
    assert.deepEqual((await limiter.take('a')).tokens, { limit: 100, remaining: 1, resetMs: 50_000 })
    limiter.charge('a', 5000)
    assert.deepEqual(await limiter.take('a'), {
      ok: false,
      refusedBy: 'tokens',
      retryAfterMs: 50_000,
      tokens: { limit: 100, remaining: 0, resetMs: 50_000 },
    })
    mock.timers.tick(50_000)
    assert.equal((await limiter.take('a')).ok, true, 'what was overdrawn is not carried over')
  })

  it('a minute is over when its time is, even if the timer that forgets it is late', async () => {
    const limiter = limiterOf({ tokens: 10 })
    limiter.charge('a', 10)
    assert.equal((await limiter.take('a')).ok, false)
    mock.timers.setTime(1_700_000_060_000)
    assert.deepEqual((await limiter.take('a')).tokens, { limit: 10, remaining: 10, resetMs: 0 })
  })

  for (const nonsense of [0, -5, Number.NaN]) {
    it(`charging ${nonsense} tokens changes nothing`, async () => {
      const limiter = limiterOf({ tokens: 10 })
      limiter.charge('a', nonsense)
      assert.equal((await limiter.take('a')).tokens?.remaining, 10)
    })
  }

  for (const [tokens, remaining] of [
    [0.5, 9],
    [Number.POSITIVE_INFINITY, 0],
    [1e300, 0],
  ] as const) {
    it(`charging ${tokens} tokens leaves ${remaining} of 10`, async () => {
      const limiter = limiterOf({ tokens: 10 })
      limiter.charge('a', tokens)
      assert.equal((await limiter.take('a')).tokens?.remaining, remaining)
    })
  }

  it('a slot is free again when it is given back, and only then', async () => {
    const limiter = limiterOf({ concurrency: 2 })
    assert.equal(await admitted(limiter, 'a', 5), 2)
    mock.timers.tick(3_600_000)
    assert.deepEqual(await limiter.take('a'), { ok: false, refusedBy: 'concurrency', retryAfterMs: 1000 })
    limiter.release('a')
    assert.equal(await admitted(limiter, 'a', 5), 1)
  })

  it('a grant says that it took a slot, and a refusal that it holds none', async () => {
    const limiter = limiterOf({ requests: 1, concurrency: 2 })
    assert.equal((await limiter.take('a')).slot, true)
    assert.deepEqual([(await limiter.take('a')).refusedBy, (await limiter.take('a')).slot], ['requests', undefined])
  })

  it('giving back more slots than were taken gains nothing', async () => {
    const limiter = limiterOf({ concurrency: 2 })
    await limiter.take('a')
    for (let slot = 0; slot < 5; slot++) limiter.release('a')
    assert.equal(await admitted(limiter, 'a', 5), 2)
  })

  it('a request that another limit refuses is not counted as one', async () => {
    const limiter = limiterOf({ requests: 10, tokens: 10, concurrency: 1 })
    assert.equal(await admitted(limiter, 'a', 5), 1)
    limiter.charge('a', 10)
    assert.equal(await admitted(limiter, 'a', 5), 0)
    assert.equal((await limiter.take('a')).requests?.remaining, 9)
  })

  it('every refusal shows all the limits that are on', async () => {
    const limiter = limiterOf({ requests: 1, tokens: 10, concurrency: 1 })
    await limiter.take('a')
    const byConcurrency = await limiter.take('a')
    assert.equal(byConcurrency.refusedBy, 'concurrency')
    limiter.release('a')
    const byRequests = await limiter.take('a')
    assert.equal(byRequests.refusedBy, 'requests')
    limiter.charge('a', 10)
    const byTokens = await limiter.take('a')
    assert.equal(byTokens.refusedBy, 'tokens')
    for (const grant of [byConcurrency, byRequests, byTokens]) {
      assert.deepEqual([grant.requests?.remaining, grant.tokens?.limit], [0, 10])
    }
  })

  it('a slot does not stay taken when the minute’s requests refuse', async () => {
    const limiter = limiterOf({ requests: 1, concurrency: 5 })
    await limiter.take('a')
    limiter.release('a')
    assert.equal(await admitted(limiter, 'a', 20), 0)
    mock.timers.tick(60_000)
    assert.equal(await admitted(limiter, 'a', 1), 1)
  })

  it('a client may have numbers of its own, and what it leaves out is as for everybody', async () => {
    const limiter = limiterOf({ requests: 2, concurrency: 3 }, [
      ['big', { requests: 5, concurrency: 0 }],
      ['free', { requests: 0 }],
    ])
    assert.equal(await admitted(limiter, 'big', 10), 5)
    assert.equal(await admitted(limiter, 'free', 10), 3)
    assert.equal(await admitted(limiter, 'other', 10), 2)
  })

  it('a limit may be set for one client only', async () => {
    const limiter = limiterOf({}, [['small', { requests: 1 }]])
    assert.equal(await admitted(limiter, 'small', 10), 1)
    assert.equal(await admitted(limiter, 'other', 10), 10)
  })

  it('names that every object inherits are clients like others', async () => {
    const limiter = limiterOf({ requests: 1, concurrency: 1 })
    for (const client of ['__proto__', 'constructor', 'toString']) {
      assert.equal(await admitted(limiter, client, 3), 1, client)
    }
  })
})
