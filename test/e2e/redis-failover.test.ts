import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { Redis } from 'ioredis'
import { systemClock } from '../../src/clock.ts'
import { createLimiter, type Limiter } from '../../src/limit/limiter.ts'
import { openRedis, type TestRedis } from '../support/redis.ts'
import { type Listening, listen } from '../upstream/servers.ts'

describe('limits when another Redis becomes the master behind the same name', () => {
  let servers: TestRedis[]
  let name: Listening
  let master: TestRedis
  let limiter: Limiter
  let said: boolean[]
  let onBack: () => void

  beforeEach(async function () {
    servers = [await openRedis(this), await openRedis(this)]
    master = servers[0]!
    // Those who are connected already stay where they are, as they do behind a name or a Kubernetes service.
    const forwarder = createServer((socket) => {
      const to = connect(Number(new URL(master.url).port), '127.0.0.1')
      for (const end of [socket, to]) end.on('error', () => end.destroy())
      socket.pipe(to).pipe(socket)
    })
    name = await listen(forwarder)
    said = []
    limiter = createLimiter({
      ...{ requests: 100, tokens: 0, concurrency: 10 },
      overrides: new Map(),
      store: 'redis',
      redisUrl: `redis://127.0.0.1:${name.port}`,
      workers: 2,
      clock: systemClock,
      onFallback(active) {
        said.push(active)
        if (!active) onBack()
      },
    })
    await limiter.take('a')
  })

  afterEach(async () => {
    await limiter?.close()
    await name?.stop()
    await Promise.all(servers.map((server) => server.close()))
  })

  /** The first one, to which the limiter is connected, becomes a replica. */
  async function demote(): Promise<void> {
    const admin = new Redis(servers[0]!.url)
    await admin.replicaof('127.0.0.1', '1')
    await admin.quit()
  }

  it('go over to it, and are exact again', async () => {
    const back = new Promise<void>((resolve) => {
      onBack = resolve
    })
    master = servers[1]!
    await demote()
    assert.equal((await limiter.take('a')).requests?.limit, 50, 'the share of this process')
    await back
    assert.equal((await limiter.take('a')).requests?.limit, 100)
    assert.deepEqual(said, [true, false])
  })

  it('stay with each process while there is none that can be written to, whoever connects', async () => {
    await demote()
    await limiter.take('a')
    while (name.connections < 2) await new Promise((resolve) => setImmediate(resolve))
    for (let asked = 0; asked < 200; asked++) await limiter.take('b')
    assert.deepEqual([said, limiter.fallback], [[true], true])
    assert.equal(name.connections, 2, 'and does not connect anew with each request')
  })
})
