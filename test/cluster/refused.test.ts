import assert from 'node:assert/strict'
import { withBareSockets } from './bare.ts'
import { endServers, hello, open, serve, waiting } from './serve.ts'

describe('of a request that it refuses by itself, the server of a worker', () => {
  withBareSockets()

  afterEach(endServers)

  const refusals: readonly [what: string, bytes: string, code: string, method: string | undefined][] = [
    ['with a request line that is none', 'HELLO\r\n\r\n', 'invalid_request', undefined],
    ['that is meant for TLS', '\x16\x03\x01\x02\x00\x01', 'invalid_request', undefined],
    ['with two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'invalid_request', 'GET'],
    ['for a target that is none', 'POST http://[::1/ HTTP/1.0\r\n\r\n', 'invalid_request', 'POST'],
    [
      'with long headers',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
      'headers_too_large',
      undefined,
    ],
    ['for a tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 'method_not_allowed', 'CONNECT'],
    ['that does not come to its end', 'GET / HT', 'request_timeout', undefined],
  ]
  for (const [what, bytes, code, method] of refusals) {
    it(`tells once, by the id in its answer: one ${what}`, async () => {
      const { port, refused } = await serve(hello, { HEADERS_TIMEOUT_MS: '50' })
      const wire = await open(port)
      wire.send(bytes)
      const { head } = await wire.answer()
      await wire.closed
      const id = /^x-request-id: (.+)$/im.exec(head)?.[1]
      assert.deepEqual(
        refused.map(({ error, ...request }) => ({ code: error.code, ...request })),
        [{ code, id, method, address: '127.0.0.1' }],
      )
    })
  }

  it('tells nothing where a connection has never said anything', async () => {
    const { port, refused } = await serve(hello, { HEADERS_TIMEOUT_MS: '50' })
    const wire = await open(port)
    assert.equal((await wire.answer()).status, 408)
    await wire.closed
    assert.deepEqual(refused, [])
  })

  it('leaves it to the listener to tell where that has been given the request, and answers with its id', async () => {
    const { listener, request } = waiting()
    const { port, refused } = await serve(listener)
    const wire = await open(port)
    wire.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    const { res } = await request(0)
    res.setHeader('x-request-id', 'given')
    wire.send('xyz\r\n')
    assert.match((await wire.answer()).head, /^x-request-id: given$/im)
    await wire.closed
    assert.deepEqual(refused, [])
  })
})
