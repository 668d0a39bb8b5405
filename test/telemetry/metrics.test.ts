import assert from 'node:assert/strict'
import { merge } from '../../src/telemetry/merge.ts'
import { metricTable } from '../../src/telemetry/metric-table.ts'
import { createMetricsWithoutPrimary, createPrimaryMetrics } from '../../src/telemetry/metrics.ts'
import { readSnapshot } from '../../src/telemetry/snapshot.ts'
import { readValue, someMetrics } from './sample.ts'

describe('metrics', () => {
  it('every row of the table is registered by the workers or by the primary, under its own type and help', async () => {
    const snapshots = [await someMetrics().snapshot(), await createPrimaryMetrics().snapshot()].flat()
    const registered = new Map(snapshots.map((family) => [family.name, family]))
    for (const row of Object.values(metricTable)) {
      const { type, help } = registered.get(row.name) ?? {}
      assert.deepEqual({ type, help }, { type: row.type, help: row.help }, row.name)
    }
  })

  it('gauges are read when the metrics are read, and show what is true then', async () => {
    let inFlight = 3
    let upstreams = [
      { name: 'near', inFlight: 2, circuit: 'half_open' as const, resting: false },
      { name: 'far', inFlight: 0, circuit: 'open' as const, resting: true },
    ]
    const metrics = someMetrics({ inFlight: () => inFlight, upstreamStates: () => upstreams })
    const before = await metrics.snapshot()
    assert.equal(readValue(before, 'proxy_requests_in_flight'), 3)
    assert.equal(readValue(before, 'proxy_upstream_in_flight', { upstream: 'near' }), 2)
    assert.equal(readValue(before, 'proxy_circuit_state', { upstream: 'near' }), 1)
    assert.equal(readValue(before, 'proxy_circuit_state', { upstream: 'far' }), 2)
    assert.equal(readValue(before, 'proxy_upstream_resting', { upstream: 'near' }), 0)
    assert.equal(readValue(before, 'proxy_upstream_resting', { upstream: 'far' }), 1)
    inFlight = 1
    upstreams = upstreams.slice(0, 1)
    const after = await metrics.snapshot()
    assert.equal(readValue(after, 'proxy_requests_in_flight'), 1)
    assert.equal(readValue(after, 'proxy_circuit_state', { upstream: 'far' }), undefined, 'no ghost of what is gone')
  })

  it('what is read twice at once has numbers only, or is left out: IPC has no word for the mean of nothing', async () => {
    const metrics = someMetrics()
    await metrics.snapshot()
    const again = await metrics.snapshot()
    const sent: typeof again = JSON.parse(JSON.stringify(again))
    const values = sent.flatMap(({ name, values }) => values.map(({ value }) => [name, value] as const))
    assert.deepEqual(
      values.filter(([name, value]) => value === null || (name.startsWith('nodejs_eventloop') && value > 1e9)),
      [],
    )
  })

  it('changes of breakers are counted from 0 on, or the first would be no increase', async () => {
    const metrics = someMetrics()
    const opened = async () =>
      readValue(await metrics.snapshot(), 'proxy_circuit_transitions_total', { upstream: 'near', to: 'open' })
    assert.equal(await opened(), 0)
    metrics.circuitTransitions(1, 'near', 'open')
    assert.equal(await opened(), 1)
  })

  it('lost spans are counted by reason, from a total that counts itself and may be older', async () => {
    let lost = 100
    const metrics = someMetrics({ spansDropped: () => [[lost, 'queue_full']] })
    assert.equal(readValue(await metrics.snapshot(), 'proxy_trace_spans_dropped_total', { reason: 'queue_full' }), 0)
    lost = 109
    assert.equal(readValue(await metrics.snapshot(), 'proxy_trace_spans_dropped_total', { reason: 'queue_full' }), 9)
  })

  it('what is running is a metric', async () => {
    const labels = { version: '1.2.3', node_version: process.versions.node }
    assert.equal(readValue(await someMetrics().snapshot(), 'proxy_build_info', labels), 1)
  })

  it("Node's own metrics carry the worker's slot, and its event loop's utilization is a share", async () => {
    const snapshot = await someMetrics({ worker: '7' }).snapshot()
    const utilization = readValue(snapshot, 'nodejs_eventloop_utilization_ratio', { worker: '7' })
    assert.ok(utilization !== undefined && utilization >= 0 && utilization <= 1, `${utilization}`)
    assert.ok((readValue(snapshot, 'process_resident_memory_bytes', { worker: '7' }) ?? 0) > 1e6)
  })

  it('the primary counts restarts from nothing', async () => {
    const metrics = createPrimaryMetrics()
    assert.equal(readValue(await metrics.snapshot(), 'proxy_worker_restarts_total'), 0)
    metrics.workerRestarts(1)
    assert.equal(readValue(await metrics.snapshot(), 'proxy_worker_restarts_total'), 1)
  })

  it('where there is no primary, the restarts that nobody had are shown all the same', async () => {
    assert.equal(readValue(await createMetricsWithoutPrimary().snapshot(), 'proxy_worker_restarts_total'), 0)
  })

  it('when each process was started comes out of the cluster, as epoch seconds', async () => {
    const workers = ['1', '2'].map((worker) => someMetrics({ worker }))
    const merged = merge(await Promise.all([...workers, createPrimaryMetrics()].map((metrics) => metrics.snapshot())))
    for (const worker of ['1', '2', 'primary']) {
      const started = readValue(merged, 'process_start_time_seconds', { worker })
      assert.equal(started, Math.round(performance.timeOrigin / 1000), worker)
    }
  })

  it('of two processes in one place, as while one replaces the other, the larger heap and the longer lag are shown', async () => {
    const snapshot = await someMetrics({ worker: '1' }).snapshot()
    const [drains, serves] = [1, 2].map((value) =>
      snapshot.map((family) => ({ ...family, values: family.values.map((sample) => ({ ...sample, value })) })),
    )
    const merged = merge([drains ?? [], serves ?? []])
    for (const name of ['nodejs_heap_size_used_bytes', 'nodejs_eventloop_lag_p99_seconds']) {
      assert.equal(readValue(merged, name, { worker: '1' }), 2, name)
    }
    assert.equal(readValue(merged, 'process_resident_memory_bytes', { worker: '1' }), 3)
  })

  it('an exemplar is kept beside the bucket that the observation fell into', async () => {
    const metrics = someMetrics()
    const exemplar = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }
    metrics.requestDuration(0.3, exemplar, '/v1/models', 'GET', '200', 'plain')
    metrics.requestDuration(0.03, undefined, '/v1/models', 'GET', '200', 'plain')
    const family = (await metrics.snapshot()).find(({ name }) => name === 'http_server_request_duration_seconds')
    const marked = family?.values.filter((sample) => sample.exemplar)
    assert.equal(marked?.length, 1)
    assert.equal(marked[0]?.labels.le, 0.5)
    assert.deepEqual(marked[0]?.exemplar?.labelSet, exemplar)
    assert.equal(marked[0]?.exemplar?.value, 0.3)
  })

  it('buckets of whole requests reach from a millisecond to ten minutes', () => {
    const { buckets } = metricTable.requestDuration
    assert.deepEqual([buckets[0], buckets.at(-1)], [0.001, 600])
  })

  it('what is no snapshot is refused as a whole', () => {
    for (const wrong of [undefined, {}, [{}], [{ name: 'x', help: 'x', type: 'counter', values: [] }]]) {
      assert.throws(() => readSnapshot(wrong), TypeError)
    }
  })
})
