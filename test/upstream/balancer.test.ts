import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ProxyError } from '../../src/errors.ts'
import { createBalancer } from '../../src/upstream/balancer.ts'
import type { Transition } from '../../src/upstream/breaker.ts'
import { Upstream, type UpstreamConfig } from '../../src/upstream/upstream.ts'
import { MovedClock } from '../support/clock.ts'
import { seeded } from './candidates.ts'

function scene(...configs: (Partial<UpstreamConfig> & { name: string })[]) {
  const clock = new MovedClock()
  const transitions: [name: string, to: Transition['to']][] = []
  const parts = {
    clock,
    breaker: { windowMs: 30_000, minRequests: 1, failureRate: 0.5, openMs: 1000 },
    pool: { connectTimeoutMs: 1000, allowH2: false, connectionTtlMs: 1000, proxy: {} },
    onTransition: ({ name }: Upstream, { to }: Transition) => void transitions.push([name, to]),
  }
  const upstreams = configs.map(
    (config) => new Upstream({ url: 'http://127.0.0.1:1/v1', weight: 1, priority: 0, ...config }, parts),
  )
  const balancer = createBalancer({ upstreams, strategy: 'round-robin', clock, random: seeded(1) })
  const pick = (model?: string, ...tried: Upstream[]) => balancer.pick({ model, tried: new Set(tried) })
  return { clock, transitions, balancer, pick, upstreams }
}

const noUpstream = (error: unknown) => error instanceof ProxyError && error.code === 'no_upstream'

describe('balancer', () => {
  it('counts a request in when it is placed and out when it ends, once', () => {
    const { pick, upstreams } = scene({ name: 'a' })
    const [first, second] = [pick(), pick()]
    assert.equal(upstreams[0]!.inFlight, 2)
    first.judge('success')
    first.judge('success')
    assert.equal(upstreams[0]!.inFlight, 1)
    second.judge('none')
    assert.equal(upstreams[0]!.inFlight, 0)
  })

  it('names the model as the upstream does', () => {
    const { pick } = scene({ name: 'a', models: { map: { 'gpt-4o': 'deployment' }, allow: ['o3'] } })
    assert.deepEqual([pick('gpt-4o').model, pick('o3').model, pick().model], ['deployment', 'o3', undefined])
  })

  it('a half-open upstream gets one request, even when two ask in the same turn', () => {
    const { pick, clock } = scene({ name: 'a' })
    pick().judge('failure')
    assert.throws(() => pick(), noUpstream)
    clock.move(1000)
    const probe = pick()
    assert.throws(() => pick(), noUpstream)
    probe.judge('success')
    pick().judge('success')
  })

  it('goes round what is left when one breaks out', () => {
    const { pick, upstreams } = scene({ name: 'a' }, { name: 'b' }, { name: 'c' })
    upstreams[1]!.breaker.trip('unauthorized')
    const names = Array.from({ length: 6 }, () => pick().upstream.name)
    assert.deepEqual(names, ['a', 'c', 'a', 'c', 'a', 'c'])
  })

  it('tells whose breaker changed', () => {
    const { pick, transitions, clock } = scene({ name: 'a' }, { name: 'b' })
    pick().judge('success')
    pick().judge('failure')
    clock.move(1000)
    pick(undefined).judge('success')
    pick(undefined).judge('success')
    assert.deepEqual(transitions, [
      ['b', 'open'],
      ['b', 'half_open'],
      ['b', 'closed'],
    ])
  })

  it('is usable while any upstream could be asked', () => {
    const { balancer, upstreams, clock } = scene({ name: 'a' }, { name: 'b', limits: { concurrency: 0 } })
    const [a, b] = upstreams as [Upstream, Upstream]
    assert.equal(balancer.usable(), true)
    a.breaker.trip('unauthorized')
    // Full is not broken.
    assert.equal(balancer.usable(), true)
    b.breaker.rest(5000)
    assert.equal(balancer.usable(), false)
    clock.move(1000)
    assert.equal(balancer.usable(), true)
    a.enter()
    assert.equal(balancer.usable(), true)
  })

  it('shows how each upstream is', () => {
    const { balancer, pick, upstreams, clock } = scene({ name: 'a', weight: 3 }, { name: 'b', priority: 2 })
    pick()
    upstreams[0]!.latency.observe(250, clock.now())
    upstreams[1]!.breaker.trip('unauthorized')
    upstreams[1]!.breaker.rest(1500)
    assert.deepEqual(balancer.status(), [
      { name: 'a', state: 'closed', resting: false, waitMs: 0, inFlight: 1, firstEventMs: 250, priority: 0, weight: 3 },
      { name: 'b', state: 'open', resting: true, waitMs: 1500, inFlight: 0, firstEventMs: 0, priority: 2, weight: 1 },
    ])
  })

  it('closes its sockets once what runs has finished', async () => {
    const server = createServer((_, response) => response.write('first')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const { balancer, pick } = scene({ name: 'a', url })
    const { upstream } = pick()
    const [request, response] = await Promise.all([
      once(server, 'request'),
      upstream.dispatcher.request({ origin: upstream.addresses.origin, path: '/', method: 'GET' }),
    ])
    let closed = false
    const closing = balancer.close().then(() => {
      closed = true
    })
    await new Promise((done) => setImmediate(done))
    assert.equal(closed, false)
    request[1].end(' last')
    assert.equal(await response.body.text(), 'first last')
    await closing
    server.close()
    await once(server, 'close')
  })
})
