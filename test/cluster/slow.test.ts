import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Listener } from '../../src/cluster/front.ts'
import { withBareSockets } from './bare.ts'
import { endServers, get, hello, open, serve, waiting } from './serve.ts'

/** More than the buffers of both sockets hold. */
const big = Buffer.alloc(32 * 1024 ** 2, 'x')

describe('the server of a worker and a client that is slow on purpose', () => {
  withBareSockets()

  afterEach(endServers)

  /** Sends one byte at a time until the server has had enough, and returns the status of its answer. */
  async function drip(port: number, start: string, byte: string): Promise<number> {
    const wire = await open(port)
    wire.send(start)
    const dripping = setInterval(() => wire.send(byte), 10)
    try {
      const { status } = await wire.answer()
      await wire.closed
      return status
    } finally {
      clearInterval(dripping)
      wire.socket.destroy()
    }
  }

  const short = { HEADERS_TIMEOUT_MS: '100', BODY_TIMEOUT_MS: '100' }

  it('is not held up by headers that come a byte at a time', async () => {
    const { port } = await serve(hello, short)
    assert.equal(await drip(port, 'GET / HTTP/1.1\r\nHost: a\r\nX: ', 'x'), 408)
  })

  it('is not held up by a body that comes a byte at a time, nor by one in chunks', async () => {
    const { port, front } = await serve(waiting().listener, short)
    assert.equal(await drip(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n', 'x'), 408)
    assert.equal(
      await drip(port, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\nx\r\n'),
      408,
    )
    assert.equal(front.inFlight, 0)
  })

  it('does not keep an answer for ever that its client does not read', async () => {
    const large: Listener = (_req, res) => res.end(big)
    const { port, front } = await serve(large, { KEEP_ALIVE_TIMEOUT_MS: '100' })
    const socket = connect(port, '127.0.0.1').pause()
    socket.on('error', () => {})
    socket.write(get('/'))
    while (front.requests === 0) await new Promise((resolve) => setImmediate(resolve))
    while (front.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    socket.destroy()
  })

  it('lets a client that reads have its answer, however large', async () => {
    const large: Listener = (_req, res) => res.end(big)
    const { port } = await serve(large, { KEEP_ALIVE_TIMEOUT_MS: '5000' })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    let length = 0
    socket.on('data', (part) => {
      length += part.length
    })
    await once(socket, 'end')
    socket.end()
    assert.ok(length > big.length)
  })

  it('lets the second of two requests on a connection wait, though the first answer was not read at once', async () => {
    const { listener, request } = waiting()
    const { port } = await serve(listener)
    const socket = connect(port, '127.0.0.1').pause()
    socket.write(get('/first') + get('/second'))
    const [first, second] = [await request(0), await request(1)]
    first.res.end(big)
    const firstClosed = once(first.res, 'close')
    socket.resume()
    await firstClosed
    assert.equal(second.req.socket.timeout, 0, 'no time-out of the first holds for the second')
    second.res.end('second')
    await once(second.res, 'close')
    socket.destroy()
  })
})
