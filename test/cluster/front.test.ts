import assert from 'node:assert/strict'
import { once } from 'node:events'
import { openWire } from '../support/wire.ts'
import { withBareSockets } from './bare.ts'
import { collected, endServers, get, hello, open, serve, waiting } from './serve.ts'

describe('the server of a worker', () => {
  withBareSockets()

  afterEach(endServers)

  const malformed: Record<string, { bytes: string; status: number; code: string }> = {
    'a request line that is none': { bytes: 'HELLO\r\n\r\n', status: 400, code: 'invalid_request' },
    'a method that is none': { bytes: 'GE T / HTTP/1.1\r\nHost: a\r\n\r\n', status: 400, code: 'invalid_request' },
    'both content-length and transfer-encoding': {
      bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      status: 400,
      code: 'invalid_request',
    },
    'two content-lengths': {
      bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
      status: 400,
      code: 'invalid_request',
    },
    'a chunk size that is none': {
      bytes: 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n',
      status: 400,
      code: 'invalid_request',
    },
    'a header line without a colon': {
      bytes: 'GET / HTTP/1.1\r\nHost a\r\n\r\n',
      status: 400,
      code: 'invalid_request',
    },
    'headers of more than 16 KiB': {
      bytes: `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
      status: 431,
      code: 'headers_too_large',
    },
    'more than 200 headers': {
      bytes: `GET / HTTP/1.1\r\nHost: a\r\n${'X: x\r\n'.repeat(201)}\r\n`,
      status: 431,
      code: 'headers_too_large',
    },
  }
  for (const [what, { bytes, status, code }] of Object.entries(malformed)) {
    it(`answers ${what} with ${status} in OpenAI's shape, and closes`, async () => {
      const { port, front } = await serve(waiting().listener)
      const wire = await open(port)
      wire.send(bytes)
      const answer = await wire.answer()
      assert.equal(answer.status, status)
      assert.match(answer.head, /^content-type: application\/json$/im)
      assert.match(answer.head, /^connection: close$/im)
      const { error } = JSON.parse(answer.body)
      assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type'])
      assert.equal(error.code, code)
      await wire.closed
      wire.socket.destroy()
      await front.drain(5000)
    })
  }

  it('answers 408 when the headers of a request do not arrive in time', async () => {
    const { port } = await serve(hello, { HEADERS_TIMEOUT_MS: '50' })
    const wire = await open(port)
    wire.send('GET / HTTP/1.1\r\nHost')
    const answer = await wire.answer()
    assert.equal(answer.status, 408)
    assert.equal(JSON.parse(answer.body).error.code, 'request_timeout')
    await wire.closed
    wire.socket.destroy()
  })

  it('answers 408 when the body of a request does not arrive in time', async () => {
    const { port } = await serve(waiting().listener, { HEADERS_TIMEOUT_MS: '50', BODY_TIMEOUT_MS: '50' })
    const wire = await open(port)
    wire.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    assert.equal((await wire.answer()).status, 408)
    await wire.closed
    wire.socket.destroy()
  })

  it('does not write an error into an answer that has begun', async () => {
    const { listener, request } = waiting()
    const { port } = await serve(listener)
    const wire = await open(port)
    const received = collected(wire)
    wire.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const { res } = await request(0)
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    wire.send('xyz\r\n')
    await wire.closed
    assert.doesNotMatch(received(), /invalid_request/)
  })

  it('lets the answer to a whole request go out before it closes on the broken bytes after it', async () => {
    const { listener, request } = waiting()
    const { port } = await serve(listener)
    const wire = await open(port)
    wire.send(`${get('/first')}BROKEN\r\n\r\n`)
    const { res } = await request(0)
    res.end('first')
    const answer = await wire.answer()
    assert.equal(answer.body, 'first')
    await wire.closed
    wire.socket.destroy()
  })

  it('lets a stream that answers a whole request go on to its end, though broken bytes come meanwhile', async () => {
    const { listener, request } = waiting()
    const { port } = await serve(listener)
    const wire = await open(port)
    const received = collected(wire)
    wire.send(get('/stream'))
    const { res } = await request(0)
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    await once(wire.socket, 'data')
    const { socket } = res.req
    const before = socket.bytesRead
    wire.send('BROKEN\r\n\r\n')
    while (socket.bytesRead === before) await new Promise((resolve) => setImmediate(resolve))
    res.end('data: 2\n\n')
    await wire.closed
    assert.match(received(), /data: 2/)
    assert.doesNotMatch(received(), /invalid_request/)
  })

  it('answers CONNECT, which it does not do, with 405', async () => {
    const { port } = await serve(hello)
    const wire = await open(port)
    wire.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n')
    const answer = await wire.answer()
    assert.equal(answer.status, 405)
    assert.match(answer.head, /^allow: GET, HEAD, POST$/im)
    await wire.closed
    wire.socket.destroy()
  })

  it('goes on though connections are reset behind a CONNECT', async () => {
    const { port } = await serve(hello)
    for (let times = 0; times < 20; times++) {
      const { socket } = await open(port)
      await new Promise((resolve) => socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', resolve))
      socket.resetAndDestroy()
    }
    const wire = await open(port)
    wire.send(get('/'))
    assert.equal((await wire.answer()).body, 'hello')
    wire.socket.destroy()
  })

  it('closes the connection of a CONNECT though the client goes on sending, and never says that it is done', async () => {
    const { port } = await serve(hello)
    const wire = await openWire(port)
    wire.send('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nmore')
    assert.equal((await wire.answer()).status, 405)
    await once(wire.socket, 'end')
    wire.socket.destroy()
  })

  it('lets the answer to a request go out before that to the CONNECT behind it', async () => {
    const { listener, request } = waiting()
    const { port } = await serve(listener)
    const wire = await open(port)
    const received = collected(wire)
    wire.send(`${get('/first')}CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n`)
    const { res } = await request(0)
    res.end('first')
    await wire.closed
    assert.match(received(), /^HTTP\/1\.1 200 .*first.*HTTP\/1\.1 405 /s)
  })

  it('closes a connection on which nothing moves behind a CONNECT', async () => {
    const { listener, request } = waiting()
    const { port, front } = await serve(listener, { KEEP_ALIVE_TIMEOUT_MS: '50' })
    const wire = await open(port)
    wire.send(`${get('/never')}CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n`)
    const { res } = await request(0)
    await wire.closed
    if (!res.closed) await once(res, 'close')
    assert.equal(front.inFlight, 0)
  })

  it('ends at its time-out, whatever waits behind a CONNECT', async () => {
    const { listener, request } = waiting()
    const { port, front } = await serve(listener)
    const wire = await open(port)
    wire.send(`${get('/never')}CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n`)
    await request(0)
    await front.drain(1)
    await wire.closed
  })

  for (const target of ['http://[::1/v1/models', 'x://[/', 'http://x:1a/', 'x:y']) {
    it(`answers the target ${target} with 400`, async () => {
      const { port } = await serve(hello)
      const wire = await open(port)
      wire.send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
      const answer = await wire.answer()
      assert.equal(answer.status, 400)
      assert.equal(JSON.parse(answer.body).error.code, 'invalid_request')
      wire.socket.destroy()
    })
  }

  it('takes an address with scheme and host for its path, and forgets the password in it', async () => {
    const { listener, request } = waiting()
    const { port } = await serve(listener)
    const wire = await open(port)
    wire.send('GET http://user:secret@elsewhere/v1/models?a=%2F HTTP/1.1\r\nHost: a\r\n\r\n')
    const { req, res } = await request(0)
    assert.equal(req.url, '/v1/models?a=%2F')
    res.end()
    await wire.answer()
    wire.socket.destroy()
  })

  it('counts requests, server errors and what is in flight', async () => {
    const { listener, request } = waiting()
    const { port, front } = await serve(listener)
    const wire = await open(port)
    wire.send(get('/'))
    const { res } = await request(0)
    assert.deepEqual([front.requests, front.errors, front.inFlight], [1, 0, 1])
    res.writeHead(502).end()
    await once(res, 'close')
    assert.deepEqual([front.requests, front.errors, front.inFlight], [1, 1, 0])
    wire.socket.destroy()
  })

  it('keeps no more connections than it may', async () => {
    const { port } = await serve(hello, { MAX_CONNECTIONS: '1' })
    const first = await open(port)
    first.send(get('/'))
    await first.answer()
    const second = await open(port)
    await second.closed
    first.socket.destroy()
  })
})
