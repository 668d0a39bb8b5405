import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer, getDefaultAutoSelectFamilyAttemptTimeout } from 'node:net'
import type { Dispatcher } from 'undici'
import { createDispatcher, type PoolSettings } from '../../src/upstream/pool.ts'
import { get, type Listening, listen, plainServer, unguarded, withAddresses } from './servers.ts'

const settings: PoolSettings = { connectTimeoutMs: 5000, allowH2: false, connectionTtlMs: 60_000, proxy: {} }

describe('one upstream’s connections', () => {
  unguarded()
  const open: Listening[] = []
  let dispatcher: Dispatcher

  function dispatcherFor(origin: string, changes: Partial<PoolSettings> = {}): Dispatcher {
    dispatcher = createDispatcher(origin, { ...settings, ...changes })
    return dispatcher
  }

  async function started(...args: Parameters<typeof listen>): Promise<Listening> {
    const listening = await listen(...args)
    open.push(listening)
    return listening
  }

  afterEach(async () => {
    await dispatcher.close()
    await Promise.all(open.splice(0).map((listening) => listening.stop()))
  })

  it('one connection serves one request after another', async () => {
    const server = await started(plainServer())
    const origin = `http://127.0.0.1:${server.port}`
    const pool = dispatcherFor(origin)
    for (let i = 0; i < 5; i++) assert.equal(await get(pool, origin), 'ok')
    assert.equal(server.connections, 1)
  })

  it('a thousand streams run at the same time', async () => {
    const answers: ServerResponse[] = []
    const server = await started(
      plainServer((_, response) => {
        response.write('started')
        answers.push(response)
      }),
    )
    const origin = `http://127.0.0.1:${server.port}`
    const pool = dispatcherFor(origin)
    const streams = await Promise.all(
      Array.from({ length: 1000 }, () => pool.request({ origin, path: '/', method: 'GET' })),
    )
    assert.equal(answers.length, 1000)
    assert.equal(server.connections, 1000)
    for (const answer of answers) answer.end(' and done')
    const texts = await Promise.all(streams.map(({ body }) => body.text()))
    assert.deepEqual(new Set(texts), new Set(['started and done']))
  })

  it('a server that restarts is reached again, and refuses in between', async () => {
    const server = await listen(plainServer())
    const origin = `http://127.0.0.1:${server.port}`
    const pool = dispatcherFor(origin)
    assert.equal(await get(pool, origin), 'ok')
    await server.stop()
    await assert.rejects(get(pool, origin))
    await assert.rejects(get(pool, origin), { code: 'ECONNREFUSED' })
    await started(plainServer(), server.port)
    assert.equal(await get(pool, origin), 'ok')
  })

  it('a server that never finishes the handshake is a connect time-out', async () => {
    const server = await started(createServer())
    const origin = `https://127.0.0.1:${server.port}`
    const pool = dispatcherFor(origin, { connectTimeoutMs: 20 })
    await assert.rejects(get(pool, origin), { code: 'UND_ERR_CONNECT_TIMEOUT' })
  })

  it('tries IPv4 when the name’s IPv6 address refuses', async () => {
    const server = await started(plainServer())
    const origin = `http://both.test:${server.port}`
    const pool = dispatcherFor(origin)
    await withAddresses(['::1', '127.0.0.1'], async () => assert.equal(await get(pool, origin), 'ok'))
  })
  it('does not give an address up for one that refuses because it took longer than Node would have it', async () => {
    const server = await started(plainServer())
    const origin = `http://both.test:${server.port}`
    const pool = dispatcherFor(origin)
    const late = () => busyFor(getDefaultAutoSelectFamilyAttemptTimeout() + 20)
    await withAddresses(['127.0.0.1', '::1'], async () => assert.equal(await get(pool, origin), 'ok'), late)
  })
})

/** Keeps the event loop from hearing of anything, as a long way to the server would. Milliseconds. */
function busyFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
