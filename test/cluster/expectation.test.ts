import assert from 'node:assert/strict'
import type { Listener } from '../../src/cluster/front.ts'
import { withBareSockets } from './bare.ts'
import { endServers, open, serve } from './serve.ts'

const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n'

const refusing: Listener = (req, res) => {
  res.writeHead(401, { 'content-length': 0 }).end()
  // As it is done for clients that send their body unasked.
  req.resume()
}

const echoing: Listener = (req, res) => {
  let body = ''
  req.on('data', (piece) => {
    body += piece
  })
  req.on('end', () => res.writeHead(200, { 'content-length': body.length }).end(body))
}

describe('a client that waits to be asked for its body', () => {
  withBareSockets()

  afterEach(endServers)

  it('is asked for it when somebody reads it, and may ask for more on the connection', async () => {
    const { port } = await serve(echoing)
    const wire = await open(port)
    for (const body of ['ping', 'pong']) {
      wire.send(head)
      assert.equal((await wire.answer()).status, 100)
      wire.send(body)
      assert.equal((await wire.answer()).body, body)
    }
    wire.socket.end()
  })

  it('is not when it is refused before, and its connection is closed', async () => {
    const { port } = await serve(refusing)
    const wire = await open(port)
    wire.send(head)
    const answer = await wire.answer()
    assert.equal(answer.status, 401)
    assert.match(answer.head, /^connection: close$/im)
    await wire.closed
  })
})
