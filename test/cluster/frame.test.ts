import assert from 'node:assert/strict'
import type { Look } from '../../src/cluster/control.ts'
import { frameOf } from '../../src/cluster/frame.ts'
import type { WorkerLive } from '../../src/cluster/messages.ts'
import type { RequestView } from '../../src/page/frame.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { UpstreamStatus } from '../../src/upstream/balancer.ts'

const moment = { at: 1_700_000_000_000, version: '1.0.0', uptime: 60 }
const idle: UpstreamStatus = {
  name: 'near',
  state: 'closed',
  resting: false,
  waitMs: 0,
  inFlight: 0,
  firstEventMs: 0,
  priority: 0,
  weight: 1,
}

function metrics() {
  return createMetrics({
    worker: '1',
    version: '1.0.0',
    models: [],
    upstreams: [{ name: 'near', provider: 'openai' }],
    connectionsResting: () => 0,
    inFlight: () => 0,
    upstreamStates: () => [],
    rateLimitFallback: () => false,
    spansDropped: () => [],
  })
}

function workerOf(worker: string, live: Partial<WorkerLive['app']> | undefined): Look['workers'][number] {
  const load = { requests: 5, errors: 1, inFlight: 2, rss: 1000, heapUsed: 500 }
  const app = { upstreams: [idle], requests: [], failures: [], ...live }
  return { worker, pid: 1, state: 'listening', uptime: 9, live: live && { load, busy: 0.25, app } }
}

function requestOf(id: string, ageMs: number): RequestView {
  return { id, ageMs, route: '/v1/models', mode: 'plain', attempts: 0, events: 0, bytes: 0 }
}

describe('the figures of the live page', () => {
  it('count answered requests by what became of them, without health checks', async () => {
    const { requestDuration, snapshot } = metrics()
    const ended = (status: string, route = '/v1/models') =>
      requestDuration(0.2, undefined, route, 'GET', status, 'plain')
    for (const status of ['200', '200', '404', '429', '499', '502', 'other']) ended(status)
    ended('503', '/health/ready')
    const { totals } = frameOf({ workers: [], metrics: await snapshot() }, moment)
    assert.deepEqual([totals.ok, totals.refused, totals.left, totals.failed], [2, 2, 1, 2])
    assert.equal(totals.duration.counts.at(-1), 7)
    assert.equal(totals.duration.counts.length, totals.duration.bounds.length + 1)
  })

  it('count tries and failures for each upstream, and no failure where the client was to blame or patience was asked for', async () => {
    const { attempts, timeToFirstChunk, tokens, snapshot } = metrics()
    for (const outcome of ['ok', 'aborted', 'client_error', 'connect', 'rate_limited']) attempts(1, 'near', outcome)
    attempts(1, 'far', 'connect')
    timeToFirstChunk(0.3, undefined, 'chat', 'openai', 'm', 'near', '')
    tokens(7, 'input', 'm')
    tokens(9, 'output', 'm')
    const { upstreams, totals } = frameOf({ workers: [workerOf('1', {})], metrics: await snapshot() }, moment)
    assert.deepEqual([upstreams[0]?.tries, upstreams[0]?.failures], [5, 1])
    assert.equal(upstreams[0]?.firstEvent.counts.at(-1), 1)
    assert.deepEqual([totals.inputTokens, totals.outputTokens], [7, 9])
  })

  it('are 0 before anything was counted', () => {
    const { totals, upstreams } = frameOf({ workers: [workerOf('1', {})], metrics: [] }, moment)
    assert.deepEqual([totals.ok, totals.failed, upstreams[0]?.tries], [0, 0, 0])
    assert.deepEqual(totals.duration, { bounds: [], counts: [] })
  })
})

describe('a frame of several workers', () => {
  it("shows each upstream once, with the worst of the workers' breakers and how many share it", () => {
    const open = { ...idle, state: 'open', waitMs: 4000, inFlight: 1 } as const
    const upstreams = [{ ...idle, inFlight: 2 }, open, { ...open, waitMs: 9000 }]
    const workers = upstreams.map((upstream, index) => workerOf(String(index), { upstreams: [upstream] }))
    const frame = frameOf({ workers, metrics: [] }, moment)
    assert.equal(frame.upstreams.length, 1)
    const { state, agreeing, asked, waitMs, inFlight } = frame.upstreams[0]!
    assert.deepEqual([state, agreeing, asked, waitMs, inFlight], ['open', 2, 3, 9000, 4])
    assert.equal(frame.inFlight, 6)
  })

  it('shows the oldest requests and the newest failures of all, and no more than fifty', () => {
    const failure = { trace: undefined, status: 502, code: 'upstream_truncated', route: '/v1/models', durationMs: 1 }
    const workers = ['1', '2'].map((worker) =>
      workerOf(worker, {
        requests: Array.from({ length: 40 }, (_, n) => requestOf(`${worker}-${n}`, 1000 - n)),
        failures: Array.from({ length: 40 }, (_, n) => ({ ...failure, at: n, id: `${worker}-${n}` })),
      }),
    )
    const { requests, failures } = frameOf({ workers, metrics: [] }, moment)
    assert.deepEqual([requests.length, requests[0]?.ageMs, requests.at(-1)?.ageMs], [50, 1000, 976])
    assert.deepEqual([failures.length, failures[0]?.at, failures.at(-1)?.at], [50, 39, 15])
  })

  it('shows how busy each worker says that it is', () => {
    const { workers } = frameOf({ workers: [workerOf('1', {}), workerOf('2', undefined)], metrics: [] }, moment)
    assert.deepEqual(
      workers.map(({ busy }) => busy),
      [0.25, undefined],
    )
  })

  it('shows a worker that does not answer, without figures', () => {
    const { workers, inFlight } = frameOf({ workers: [workerOf('1', undefined)], metrics: [] }, moment)
    assert.deepEqual([workers[0]?.worker, workers[0]?.load, inFlight], ['1', undefined, 0])
  })
})
