import assert from 'node:assert/strict'
import { scene, send, told } from './breaking.ts'

describe('breaker: how it closes again', () => {
  it('after its open time one request alone is let through, and its success closes it', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    clock.move(9999)
    assert.equal(breaker.state, 'open')
    clock.move(1)
    assert.equal(breaker.usable(), true)
    const end = breaker.enter()
    assert.equal(breaker.usable(), false)
    end('success')
    assert.equal(breaker.usable(), true)
    assert.deepEqual(told(transitions), [
      'closed>open failure_rate',
      'open>half_open open_time_over',
      'half_open>closed probe_succeeded',
    ])
  })

  it('failures from before the opening are not held against it when it has closed', () => {
    const { breaker, clock } = scene({ openMs: 100 })
    send(breaker, '----')
    clock.move(100)
    send(breaker, '+---')
    assert.equal(breaker.state, 'closed')
  })

  it('a probe that fails opens it again', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    clock.move(10_000)
    send(breaker, '-')
    assert.equal(breaker.state, 'open')
    assert.equal(transitions.at(-1)?.why, 'probe_failed')
  })

  it('a probe whose client left gives its place to the next request, without a verdict', () => {
    const { breaker, clock, transitions } = scene()
    send(breaker, '----')
    clock.move(10_000)
    send(breaker, '.')
    assert.equal(breaker.state, 'half_open')
    assert.equal(breaker.usable(), true)
    send(breaker, '+')
    assert.equal(breaker.state, 'closed')
    assert.equal(transitions.length, 3)
  })

  it('a probe that has begun to answer closes it, and counts like any other request when it ends', () => {
    const { breaker, clock, transitions } = scene({ minRequests: 2 })
    send(breaker, '--')
    clock.move(10_000)
    const end = breaker.enter()
    end('begun')
    assert.equal(breaker.state, 'closed')
    assert.equal(transitions.at(-1)?.why, 'probe_succeeded')
    send(breaker, '-')
    end('failure')
    end('failure')
    assert.deepEqual([breaker.state, transitions.length], ['open', 4])
  })

  it('what is heard of a request beside the probe, or from before the opening, does not close it', () => {
    const { breaker, clock } = scene()
    const early = breaker.enter()
    early('begun')
    send(breaker, '----')
    clock.move(10_000)
    const probe = breaker.enter()
    breaker.enter()('begun')
    early('begun')
    assert.equal(breaker.state, 'half_open')
    probe('failure')
    assert.equal(breaker.state, 'open')
  })

  it('requests beside the probe, or sent to an open breaker, are not heard', () => {
    const { breaker, clock } = scene()
    send(breaker, '----')
    clock.move(4000)
    send(breaker, '----')
    assert.equal(breaker.waitMs(), 6000)
    clock.move(6000)
    const probe = breaker.enter()
    send(breaker, '+----')
    assert.equal(breaker.state, 'half_open')
    probe('failure')
    assert.equal(breaker.state, 'open')
  })

  it('late answers to requests from before the opening change nothing', () => {
    const { breaker, clock } = scene()
    const [late, later, last] = [breaker.enter(), breaker.enter(), breaker.enter()]
    send(breaker, '----')
    late!('success')
    assert.equal(breaker.state, 'open')
    clock.move(10_000)
    assert.equal(breaker.state, 'half_open')
    later!('success')
    assert.equal(breaker.state, 'half_open')
    assert.equal(breaker.usable(), true)
    send(breaker, '+---')
    last!('failure')
    assert.equal(breaker.state, 'closed')
  })

  it('each opening lasts twice as long as the one before, up to sixteen times the first', () => {
    const { breaker, clock } = scene()
    send(breaker, '----')
    const times: number[] = []
    for (let i = 0; i < 7; i++) {
      times.push(breaker.waitMs())
      clock.move(breaker.waitMs())
      send(breaker, '-')
    }
    assert.deepEqual(times, [10_000, 20_000, 40_000, 80_000, 160_000, 160_000, 160_000])
  })

  it('the open time starts anew once it has stayed closed for a whole window', () => {
    for (const [closedMs, openMs] of [
      [29_999, 20_000],
      [30_000, 10_000],
    ]) {
      const { breaker, clock } = scene()
      send(breaker, '----')
      clock.move(10_000)
      send(breaker, '+')
      clock.move(closedMs!)
      send(breaker, '----')
      assert.equal(breaker.waitMs(), openMs)
    }
  })

  it('half-open serves only the prober where there is one', () => {
    const { breaker, clock } = scene({ probesReserved: true })
    send(breaker, '----')
    clock.move(10_000)
    assert.equal(breaker.state, 'half_open')
    assert.equal(breaker.usable(), false)
    send(breaker, '+')
    assert.equal(breaker.usable(), true)
  })
})
