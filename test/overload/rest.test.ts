import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Rest } from '../../src/overload/rest.ts'
import { MovedClock } from '../support/clock.ts'

describe('connections that rest', () => {
  let clock: MovedClock
  let busy: boolean
  let rest: Rest
  beforeEach(() => {
    clock = new MovedClock()
    busy = true
    rest = new Rest(clock, () => busy)
  })
  afterEach(() => {
    rest.wakeAll()
    assert.equal(clock.pending, 0)
  })

  /** Refuses a request on a connection, its own or a given one, which has come to its end at once. */
  function refuse(socket = connection()): { readonly socket: Socket; readonly retryAfter: number } {
    const req = new IncomingMessage(socket)
    const retryAfter = rest.begin(req)
    req.emit('close')
    return { socket, retryAfter }
  }

  function connection(): Socket {
    const socket = new Socket()
    socket.setTimeout(5000)
    return socket.resume()
  }

  it('are not read from, nor closed as idle ones, for the second that their clients are to wait', () => {
    const { socket, retryAfter } = refuse()
    assert.deepEqual([retryAfter, rest.size], [1, 1])
    clock.move(999)
    assert.deepEqual([socket.isPaused(), socket.timeout], [true, 0])
    clock.move(51)
    assert.deepEqual([socket.isPaused(), socket.timeout, rest.size], [false, 5000, 0])
  })

  it('are none while the loop has time to spare', () => {
    busy = false
    const { socket, retryAfter } = refuse()
    assert.deepEqual([retryAfter, rest.size, socket.isPaused(), socket.timeout], [1, 0, false, 5000])
  })

  it('rest the longer the more they are, at 500 a second, and 30 s at most', () => {
    const told = Array.from({ length: 50_000 }, () => refuse().retryAfter)
    assert.deepEqual(
      [0, 1, 500, 501, 1000, 1001, 14_000, 49_999].map((index) => told[index]),
      [1, 2, 2, 3, 3, 4, 29, 30],
    )
    clock.move(1000 + 5000)
    assert.ok(Math.abs(rest.size - (50_000 - 2500)) <= 60, String(rest.size))
  })

  it('are read from before their time, a part after the other, once there is time to spare', () => {
    const first = refuse().socket
    for (let count = 1; count < 250; count++) refuse()
    const last = refuse().socket
    busy = false
    clock.move(50)
    assert.deepEqual([rest.size, first.isPaused(), last.isPaused()], [151, false, true])
    clock.move(100)
    assert.deepEqual([rest.size, last.isPaused()], [0, false])
  })

  it('rest once, and may be idle as long as before, when several of their requests were refused', () => {
    const socket = connection()
    refuse(socket)
    refuse(socket)
    assert.equal(rest.size, 1)
    clock.move(1050)
    assert.deepEqual([socket.isPaused(), socket.timeout, rest.size], [false, 5000, 0])
  })

  it('are forgotten when their clients have gone', () => {
    const { socket } = refuse()
    socket.destroy()
    clock.move(1050)
    assert.equal(rest.size, 0)
  })

  it('are none of those that are closed anyway', () => {
    const closing = new Socket()
    const req = new IncomingMessage(closing)
    rest.begin(req)
    closing.destroy()
    req.emit('close')
    assert.equal(rest.size, 0)
  })
})
