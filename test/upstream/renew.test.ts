import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createDispatcher } from '../../src/upstream/pool.ts'
import { RenewedDispatcher } from '../../src/upstream/renew.ts'
import { MovedClock } from '../support/clock.ts'
import { get, type Listening, listen, plainServer, unguarded, withAddresses } from './servers.ts'

const settings = { connectTimeoutMs: 5000, allowH2: false, connectionTtlMs: 60_000, proxy: {} }

describe('connections when a name gets another address', () => {
  unguarded()
  let former: Listening
  let latter: Listening
  let origin: string
  let clock: MovedClock
  let connections: RenewedDispatcher
  const streams: ServerResponse[] = []

  beforeEach(async () => {
    former = await listen(
      plainServer((request, response) => {
        if (request.url === '/') return response.end('former')
        response.write('long')
        streams.push(response)
      }),
    )
    latter = await listen(
      plainServer((_, response) => response.end('latter')),
      former.port,
      '127.0.0.2',
    )
    origin = `http://moving.test:${former.port}`
    clock = new MovedClock()
    connections = new RenewedDispatcher(() => createDispatcher(origin, settings), settings.connectionTtlMs, clock)
  })

  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.end()
    await connections.close()
    await Promise.all([former.stop(), latter.stop()])
  })

  const ask = (address: string) => withAddresses([address], () => get(connections.current, origin))

  it('requests follow it when the time of the connections is over, and not before', async () => {
    assert.equal(await ask('127.0.0.1'), 'former')
    clock.move(59_999)
    assert.equal(await ask('127.0.0.2'), 'former')
    clock.move(1)
    assert.equal(await ask('127.0.0.2'), 'latter')
    assert.deepEqual([former.connections, latter.connections], [1, 1])
  })

  it('a stream that runs is not cut, and closing waits for it', async () => {
    const stream = await withAddresses(['127.0.0.1'], () =>
      connections.current.request({ origin, path: '/stream', method: 'GET' }),
    )
    clock.move(60_000)
    assert.equal(await ask('127.0.0.2'), 'latter')
    let closed = false
    const closing = connections.close().then(() => {
      closed = true
    })
    await new Promise((done) => setImmediate(done))
    assert.equal(closed, false)
    streams[0]!.end(' stream')
    assert.equal(await stream.body.text(), 'long stream')
    await closing
  })

  it('connections that were replaced are closed', async () => {
    assert.equal(await ask('127.0.0.1'), 'former')
    clock.move(60_000)
    assert.equal(await ask('127.0.0.2'), 'latter')
    await former.idle()
    assert.equal(former.open, 0)
  })

  it('closing twice is closing once, and opens nothing anew', async () => {
    assert.equal(await ask('127.0.0.1'), 'former')
    await Promise.all([connections.close(), connections.close()])
    clock.move(60_000)
    await assert.rejects(ask('127.0.0.1'))
    assert.equal(former.connections, 1)
  })
})
