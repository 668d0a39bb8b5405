import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { createLimiter, type Limiter } from '../../src/limit/limiter.ts'
import { type Driven, drive, type ProgramOptions } from '../limit/drive.ts'
import { MovedClock } from '../support/clock.ts'
import { openRedis, type TestRedis } from '../support/redis.ts'

const off = { store: 'redis', workers: 1, requests: 0, tokens: 0, concurrency: 0 } as const

describe('limits over machines that share a Redis', () => {
  let redis: TestRedis
  let admin: Redis
  const machines: Driven[] = []
  const start = (caps: Partial<ProgramOptions>) => {
    const machine = drive({ ...off, redisUrl: redis.url, ...caps })
    machines.push(machine)
    return machine
  }
  const pair = (caps: Partial<ProgramOptions>) => [start(caps), start(caps)] as const

  before(async function () {
    redis = await openRedis(this)
    admin = new Redis(redis.url)
  })
  afterEach(async () => {
    await Promise.all(machines.splice(0).map((machine) => machine.end()))
    await admin?.flushall()
  })
  after(async () => {
    await admin?.quit()
    await redis?.close()
  })

  it('admits exactly the limit of 10 000 concurrent requests at two machines', async () => {
    const [one, two] = pair({ requests: 1234 })
    const admitted = await Promise.all([one.take('a', 5000), two.take('a', 5000)])
    assert.equal(admitted[0] + admitted[1], 1234)
  })

  it('gives out exactly as many slots as there are to 10 000 concurrent requests', async () => {
    const [one, two] = pair({ concurrency: 567 })
    const admitted = await Promise.all([one.take('a', 5000), two.take('a', 5000)])
    assert.equal(admitted[0] + admitted[1], 567)
  })

  it('keeps every limit exactly when several are set', async () => {
    const [one, two] = pair({ requests: 300, tokens: 1000, concurrency: 400 })
    const admitted = await Promise.all([one.take('a', 5000), two.take('a', 5000)])
    assert.equal(admitted[0] + admitted[1], 300)
    assert.equal(await admin.zcard('openai-proxy:slots:a'), 300, 'the refused gave their slots back')
  })

  it('refuses at one machine what another has charged', async () => {
    const [one, two] = pair({ tokens: 100 })
    assert.equal(await one.take('a', 1), 1)
    await one.charge('a', 99)
    // Asking again on the same connection shows that the charge before it has arrived.
    assert.equal(await one.take('a', 1), 1)
    assert.equal(await two.take('a', 1), 1, 'one token is left')
    await one.charge('a', 1)
    assert.equal(await one.take('a', 1), 0)
    assert.equal(await two.take('a', 1), 0)
  })

  it('lets one machine use a slot that another gave back', async () => {
    const [one, two] = pair({ concurrency: 2 })
    assert.equal(await one.take('a', 2), 2)
    assert.equal(await two.take('a', 1), 0)
    await one.release('a', 1)
    assert.equal(await one.take('b', 1), 1, 'the release has arrived')
    assert.equal(await two.take('a', 2), 1)
  })

  it('frees the slots of a process that was killed when their time is out', async () => {
    const [one, two] = pair({ concurrency: 4, leaseMs: 300 })
    assert.equal(await one.take('a', 3), 3)
    assert.equal(await two.take('a', 1), 1, 'which goes on, and keeps its own')
    await one.end()
    for (let freed = 0; freed < 3; ) freed += await two.take('a', 3 - freed)
    assert.equal(await two.take('a', 1), 0, 'and no more than these')
  })

  it('ends a minute of its own accord', async () => {
    const [one] = pair({ requests: 5, tokens: 5 })
    assert.equal(await one.take('a', 5), 5)
    await one.charge('a', 1)
    assert.equal(await one.take('b', 1), 1, 'the charge has arrived')
    for (const window of ['requests', 'tokens']) {
      const left = await admin.pttl(`openai-proxy:${window}:a`)
      assert.ok(left > 0 && left <= 60_000, `${window} last for a minute at most, not ${left} ms`)
    }
  })
})

describe('slots of a process that runs', () => {
  const leaseMs = 30_000
  const slots = 'openai-proxy:slots:a'
  let redis: TestRedis
  let admin: Redis
  let clock: MovedClock
  let limiter: Limiter

  before(async function () {
    redis = await openRedis(this)
    admin = new Redis(redis.url)
    clock = new MovedClock()
    const onFallback = (_active: boolean, reason: string) => assert.fail(reason)
    const options = { ...off, overrides: new Map(), redisUrl: redis.url, clock, onFallback, leaseMs }
    limiter = createLimiter({ ...options, concurrency: 5 })
  })
  after(async () => {
    await limiter?.close()
    await admin?.quit()
    await redis?.close()
  })

  it('are renewed before they expire', async () => {
    await limiter.take('a')
    await limiter.take('a')
    // As if the time were almost out.
    for (const lease of await admin.zrange(slots, 0, '-1')) await admin.zadd(slots, 1, lease)
    await admin.pexpire(slots, leaseMs / 2)
    clock.move(leaseMs / 3)
    while ((await admin.zcount(slots, '(1', '+inf')) < 2);
    assert.equal(await admin.zcard(slots), 2)
    assert.ok((await admin.pttl(slots)) > leaseMs / 2)
  })

  it('leave nothing in Redis when they are given back', async () => {
    limiter.release('a')
    limiter.release('a')
    await limiter.take('b')
    assert.equal(await admin.exists(slots), 0)
  })

  it('leave no timer behind when the limiter is closed', async () => {
    await limiter.close()
    assert.equal(clock.pending, 0)
  })
})
