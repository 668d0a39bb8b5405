import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { MovedClock } from '../support/clock.ts'
import { withBareSockets } from './bare.ts'
import { settled } from './children.ts'
import { endServers, get, hello, open, serve, waiting } from './serve.ts'

describe('a server that drains', () => {
  withBareSockets()
  afterEach(endServers)

  it('still answers on open connections, and has each of them closed', async () => {
    const { port, front } = await serve(hello)
    const wire = await open(port)
    wire.send(get('/'))
    assert.doesNotMatch((await wire.answer()).head, /^connection: close$/im)
    const drained = front.drain(10_000, () => {})
    wire.send(get('/'))
    const answer = await wire.answer()
    assert.equal(answer.status, 200)
    assert.match(answer.head, /^connection: close$/im)
    await wire.closed
    wire.socket.destroy()
    await drained
  })

  it('has the connection closed of a request that was under way when it began', async () => {
    const { listener, request } = waiting()
    const { port, front } = await serve(listener)
    const wire = await open(port)
    wire.send(get('/'))
    const { res } = await request(0)
    const drained = front.drain(10_000, () => {})
    res.end('late')
    assert.match((await wire.answer()).head, /^connection: close$/im)
    wire.socket.destroy()
    await drained
  })

  it('takes no new connection', async () => {
    const { listener, request } = waiting()
    const { port, front } = await serve(listener)
    const wire = await open(port)
    wire.send(get('/'))
    await request(0)
    const drained = front.drain(10_000, () => {})
    const late = connect(port, '127.0.0.1')
    const [error] = await once(late, 'error')
    assert.equal(error.code, 'ECONNREFUSED')
    wire.socket.destroy()
    await drained
  })

  it('tells a load balancer that it is not ready, though it still answers others', async () => {
    const { port, front } = await serve(hello)
    const wire = await open(port)
    wire.send(get('/'))
    await wire.answer()
    const drained = front.drain(10_000, () => {})
    wire.send(get('/health/ready'))
    assert.equal((await wire.answer()).status, 503)
    wire.socket.destroy()
    await drained
  })

  it('closes idle connections after a grace of one second, and then refuses what still comes', async () => {
    const clock = new MovedClock()
    const { port, front } = await serve(hello, {}, clock)
    const wire = await open(port)
    wire.send(get('/'))
    await wire.answer()
    let refuses = false
    const drained = front.drain(10_000, () => {
      refuses = true
    })
    clock.move(999)
    await settled()
    assert.deepEqual([refuses, wire.socket.closed], [false, false])
    clock.move(101)
    assert.equal(refuses, true)
    await wire.closed
    wire.socket.destroy()
    await drained
    assert.equal(clock.pending, 0)
  })

  it('waits for a stream that has begun, and cuts it at the deadline only', async () => {
    const clock = new MovedClock()
    const { listener, request } = waiting()
    const { port, front } = await serve(listener, {}, clock)
    const wire = await open(port)
    wire.send(get('/'))
    const { res } = await request(0)
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    let over = false
    const drained = front
      .drain(10_000, () => {})
      .then(() => {
        over = true
      })
    clock.move(9999)
    await settled()
    assert.equal(over, false)
    assert.equal(res.writable, true)
    clock.move(101)
    await drained
    await wire.closed
  })
})
