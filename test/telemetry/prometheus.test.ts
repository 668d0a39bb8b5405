import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { negotiate } from '../../src/telemetry/exposition.ts'
import { ClusterMetrics } from '../../src/telemetry/merge.ts'
import { createPrimaryMetrics } from '../../src/telemetry/metrics.ts'
import { saying, usageChunk } from '../support/chunks.ts'
import { lint, needPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts'
import { stream } from '../support/steps.ts'
import { countSome, someMetrics } from './sample.ts'
import { startTraced } from './scenes.ts'

const exemplar = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' }

/** Two workers that have both been busy, one of them sampled, and the primary. */
async function someCluster(): Promise<ClusterMetrics> {
  const cluster = new ClusterMetrics()
  for (const worker of ['1', '2']) {
    const metrics = someMetrics({
      worker,
      upstreamStates: () => [{ name: 'near', inFlight: 1, circuit: 'closed', resting: false }],
      spansDropped: () => [[0, 'queue_full']],
    })
    countSome(metrics, worker === '1' ? exemplar : undefined)
    cluster.take(worker, await metrics.snapshot())
  }
  cluster.take('primary', await createPrimaryMetrics().snapshot())
  return cluster
}

describe('real Prometheus', () => {
  let cluster: ClusterMetrics
  let scrapes = 0
  let server: Server
  let prometheus: TestPrometheus | undefined

  before(async function () {
    needPrometheus(this)
    cluster = await someCluster()
    server = createServer((request, response) => {
      scrapes += 1
      const { body, contentType } = cluster.text(negotiate(request.headers.accept))
      response.setHeader('content-type', contentType).end(body)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
  })

  after(async () => {
    await prometheus?.stop()
    server?.closeAllConnections()
    server?.close()
  })

  it('promtool finds nothing to object to in a scrape of the whole cluster', () => {
    assert.equal(lint(cluster.text('prometheus').body), '')
  })

  for (const workers of ['0', '2']) {
    it(`promtool finds nothing to object to in a scrape of the program with WORKERS=${workers}`, async function () {
      this.timeout(60_000)
      const traced = await startTraced({ WORKERS: workers })
      try {
        traced.near.play([stream([...saying('Hello'), usageChunk()], { done: true })])
        await traced.ask({ scene: 1 })
        await traced.ask({ scene: 2, body: {} })
        const scraped = await (await traced.program.admin('GET', '/metrics')).text()
        assert.match(scraped, /^http_server_request_duration_seconds_count\{.*status="200".*\} 1$/m)
        for (const always of ['proxy_worker_restarts_total 0', 'process_start_time_seconds{']) {
          assert.ok(scraped.includes(`\n${always}`), always)
        }
        assert.equal(lint(scraped), '')
      } finally {
        await traced.close()
      }
    })
  }

  it('promtool would object to a metric that breaks its rules', () => {
    assert.match(lint('# TYPE wrong_total gauge\nwrong_total 1\n'), /wrong_total/)
  })

  it("it scrapes the cluster and gives back the exemplar's trace", async () => {
    const { port } = server.address() as AddressInfo
    prometheus = await startPrometheus(`127.0.0.1:${port}`)
    const name = 'http_server_request_duration_seconds'
    // The scrape after the next has been asked for only when the one before is in the store.
    for (const until = scrapes + 3; scrapes < until; ) await once(server, 'request')
    // On a busy machine a few may miss their time-out.
    const up = async () => JSON.stringify(await prometheus?.query('query', { query: 'up' }))
    while (!/"value":\[[\d.]+,"1"\]/.test(await up())) await once(server, 'request')
    const count = JSON.stringify(await prometheus.query('query', { query: `sum(${name}_count)` }))
    // Two requests by each of the two workers.
    assert.match(count, /"value":\[[\d.]+,"4"\]/, count)
    const now = Date.now() / 1000
    const range = { start: String(now - 600), end: String(now + 60) }
    const found = await prometheus.query('query_exemplars', { query: `${name}_bucket`, ...range })
    assert.match(JSON.stringify(found), new RegExp(exemplar.trace_id))
  })
})
