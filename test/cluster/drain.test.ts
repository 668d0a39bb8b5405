import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { MovedClock } from '../support/clock.ts'
import { withBareSockets } from './bare.ts'
import { settled } from './children.ts'
import { endServers, get, hello, open, serve, waiting } from './serve.ts'

class LateClock extends MovedClock {
  late = 0

  override now(): number {
    return super.now() + this.late
  }
}

describe('a server that drains', () => {
  withBareSockets()
  afterEach(endServers)

  it('still answers on open connections, and has each of them closed', async () => {
    const { port, front } = await serve(hello)
    const wire = await open(port)
    wire.send(get('/'))
    assert.doesNotMatch((await wire.answer()).head, /^connection: close$/im)
    const drained = front.drain(10_000)
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
    const drained = front.drain(10_000)
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
    const drained = front.drain(10_000)
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
    const drained = front.drain(10_000)
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
    const drained = front.drain(10_000, {
      afterGrace() {
        refuses = true
      },
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

  it('waits for a stream that has begun, lets it say at the deadline why it ends, and cuts it then', async () => {
    const clock = new LateClock()
    const { listener, request } = waiting()
    const { port, front } = await serve(listener, {}, clock)
    const wire = await open(port)
    wire.send(get('/'))
    const { res } = await request(0)
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    let over = false
    let announced = 0
    const drained = front.drain(10_000, { beforeCut: () => announced++ }).then(() => {
      over = true
    })
    clock.move(9999)
    await settled()
    assert.deepEqual([over, announced, res.req.socket.destroyed], [false, 0, false])
    // Later than it should be, as under load.
    clock.late = 300
    clock.move(1)
    // Who drains again in a hurry must not take the time away in which it is said.
    front.drain(0)
    await settled()
    assert.deepEqual([over, announced, res.req.socket.destroyed], [false, 1, false])
    clock.move(200)
    await drained
    assert.equal(announced, 1)
    await wire.closed
  })
})
