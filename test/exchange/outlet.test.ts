import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Outlet } from '../../src/exchange/outlet.ts'

describe('the client’s side of a stream', () => {
  const server = createServer()
  let res: ServerResponse
  let client: IncomingMessage
  let outlet: Outlet

  before(async () => void (await once(server.listen(0, '127.0.0.1'), 'listening')))
  after(() => {
    server.close()
    server.closeAllConnections()
  })

  /** One request whose answer is written by the test, and of which the client has read nothing yet. */
  beforeEach(async () => {
    const { port } = server.address() as AddressInfo
    const asked = request({ port, host: '127.0.0.1', agent: false }).end()
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]
    res = response
    outlet = new Outlet(res, (upstream) => ({ ...upstream, 'content-type': 'text/event-stream' }))
    outlet.begin({ 'x-a': 'b' })
    outlet.write('first')
    client = ((await once(asked, 'response')) as [IncomingMessage])[0].pause()
  })
  afterEach(() => res.destroy())

  async function rest(): Promise<string> {
    let text = ''
    for await (const part of client.setEncoding('utf8')) text += part
    return text
  }

  it('gets what was written in one turn in one write, and the end with it', async () => {
    const writes: string[] = []
    const end = res.end.bind(res)
    Object.assign(res, {
      end: (bytes: Buffer) => {
        writes.push(bytes.toString())
        return end(bytes)
      },
    })
    for (const piece of ['a', 'b', Buffer.from('c')]) assert.equal(outlet.write(piece), true)
    outlet.end()
    assert.deepEqual(writes, [], 'nothing before the turn is over')
    assert.equal(await rest(), 'firstabc')
    assert.deepEqual(writes, ['abc'])
    assert.equal(outlet.bytes, 8)
  })

  it('makes the writer wait when much has come in one turn, and tells it when that has gone', async () => {
    assert.equal(outlet.write(Buffer.alloc(64 * 1024)), false)
    const drained = new Promise<void>((resolve) => outlet.onDrain(resolve))
    client.resume()
    await drained
    assert.equal(outlet.write('more'), true)
  })

  it('makes the writer wait while the client does not read', async () => {
    let taken = 0
    while (outlet.write(Buffer.alloc(32 * 1024))) {
      taken++
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(taken > 0 && taken < 1000, `${taken} pieces`)
    let drained = false
    outlet.onDrain(() => {
      drained = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(drained, false)
    client.resume()
    while (!drained) await new Promise((resolve) => setImmediate(resolve))
    outlet.end()
    await once(res, 'finish')
  })

  it('makes the writer wait no longer when the client has left, be it for what it did not read or in the same turn', async () => {
    while (outlet.write(Buffer.alloc(32 * 1024))) await new Promise((resolve) => setImmediate(resolve))
    const unread = new Promise<void>((resolve) => outlet.onDrain(resolve))
    res.destroy()
    await unread
    assert.equal(outlet.write(Buffer.alloc(64 * 1024)), false)
    await new Promise<void>((resolve) => outlet.onDrain(resolve))
  })

  it('has ended as soon as it is broken off, with all that was written before', async () => {
    outlet.write('last words')
    outlet.breakOff()
    assert.equal(res.writableEnded, true)
    assert.equal(await rest(), 'firstlast words')
  })

  it('writes nothing more when the client has left within the turn', async () => {
    outlet.write('too late')
    outlet.end()
    res.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(res.writableEnded, false)
  })
})
