import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ClusterMetrics, merge } from '../../src/telemetry/merge.ts'
import type { Family, Sample, Snapshot } from '../../src/telemetry/snapshot.ts'
import { readValue } from './sample.ts'

function family(name: string, type: Family['type'], values: readonly Sample[], aggregator = 'sum'): Family {
  return { name, help: `${name}.`, type, aggregator, values }
}

const total = (value: number, labels = {}): Snapshot => [family('t_total', 'counter', [{ value, labels }])]

function bucket(value: number, traceId?: string, timestamp = 0): Snapshot {
  const exemplar = traceId === undefined ? null : { labelSet: { trace_id: traceId }, value: 0.1, timestamp }
  return [family('h', 'histogram', [{ value, labels: { le: 1 }, metricName: 'h_bucket', exemplar }])]
}

describe('merging workers', () => {
  it('counters and histograms are summed line by line', () => {
    const merged = merge([total(3, { a: 'x' }), total(4, { a: 'x' }), total(5, { a: 'y' }), bucket(2), bucket(6)])
    assert.equal(readValue(merged, 't_total', { a: 'x' }), 7)
    assert.equal(readValue(merged, 't_total', { a: 'y' }), 5)
    assert.equal(readValue(merged, 'h_bucket', { le: 1 }), 8)
  })

  it('the order of labels makes no second line', () => {
    const merged = merge([total(1, { a: 'x', b: 'y' }), total(1, { b: 'y', a: 'x' })])
    assert.equal(merged[0]?.values.length, 1)
    assert.equal(readValue(merged, 't_total', { a: 'x', b: 'y' }), 2)
  })

  it("each metric's own aggregator is honoured", () => {
    const gauge = (aggregator: string, value: number): Snapshot => [
      family(`g_${aggregator}`, 'gauge', [{ value, labels: {} }], aggregator),
    ]
    const values = [4, 1, 7]
    const expected = { sum: 12, max: 7, min: 1, first: 4, average: 4 }
    for (const [aggregator, value] of Object.entries(expected)) {
      assert.equal(
        readValue(merge(values.map((value) => gauge(aggregator, value))), `g_${aggregator}`),
        value,
        aggregator,
      )
    }
    assert.deepEqual(merge(values.map((value) => gauge('omit', value))), [])
    assert.throws(() => merge(values.map((value) => gauge('median', value))), /g_median/)
  })

  it('of the exemplars of one bucket the newest stays, whoever had it', () => {
    const snapshots = [bucket(1, 'old', 10), bucket(1, 'new', 30), bucket(1), bucket(1, 'middle', 20)]
    const [line] = merge(snapshots)[0]?.values ?? []
    assert.equal(line?.exemplar?.labelSet.trace_id, 'new')
  })

  it('merging leaves the snapshots as they were', () => {
    const snapshot = total(3)
    merge([snapshot, total(4)])
    assert.deepEqual(snapshot, total(3))
  })
})

/** The value of a metric without labels in the cluster's text. */
function read(cluster: ClusterMetrics, name: string): number | undefined {
  const line = cluster
    .text('prometheus')
    .body.split('\n')
    .find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.split(' ')[1])
}

describe('the metrics of a cluster', () => {
  it("a dead worker's totals stay, and its gauges go", () => {
    const cluster = new ClusterMetrics()
    const gauge = family('g', 'gauge', [{ value: 5, labels: {} }])
    cluster.take('1', [...total(10), gauge])
    cluster.take('2', [...total(1), gauge])
    cluster.forget('1')
    assert.equal(read(cluster, 't_total'), 11)
    assert.equal(read(cluster, 'g'), 5)
    cluster.forget('2')
    assert.equal(read(cluster, 't_total'), 11)
    assert.equal(read(cluster, 'g'), undefined)
  })

  it('a snapshot that arrives after its worker has died is not counted a second time', () => {
    const cluster = new ClusterMetrics()
    cluster.take('1', total(10))
    cluster.forget('1')
    cluster.take('1', total(12))
    assert.equal(read(cluster, 't_total'), 10)
  })

  it('models are bounded over all workers that ever were, and nothing of theirs is lost', () => {
    const cluster = new ClusterMetrics()
    cluster.know(['configured'])
    for (let worker = 0; worker < 5; worker++) {
      const values = [...Array.from({ length: 60 }, (_, index) => `model-${worker}-${index}`), 'configured']
      const lines = values.map((model) => ({ value: 1, labels: { gen_ai_request_model: model } }))
      cluster.take(`${worker}`, [family('t_total', 'counter', lines)])
      if (worker % 2 === 0) cluster.forget(`${worker}`)
    }
    const lines = cluster.merged()[0]?.values ?? []
    const of = (model: string) => lines.find(({ labels }) => labels.gen_ai_request_model === model)?.value
    assert.deepEqual(
      [lines.length, of('configured'), of('model-1-39'), of('model-1-40'), of('other')],
      [102, 5, 1, undefined, 200],
    )
  })

  it('some of the metrics of a worker can be taken alone', () => {
    const cluster = new ClusterMetrics()
    cluster.take('1', [...total(1), family('g', 'gauge', [{ value: 5, labels: {} }])])
    cluster.takeSome('1', total(7))
    assert.deepEqual([read(cluster, 't_total'), read(cluster, 'g')], [7, 5])
    cluster.takeSome('2', total(1))
    assert.equal(read(cluster, 't_total'), 8)
  })

  it('a worker that never answered can be forgotten', () => {
    const cluster = new ClusterMetrics()
    cluster.forget('1')
    assert.equal(read(cluster, 't_total'), undefined)
  })

  it('no total ever falls, however workers come, count, fall silent and die', () => {
    const step = fc.record({ worker: fc.nat(3), act: fc.constantFrom('count', 'report', 'die'), by: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cluster = new ClusterMetrics()
        const counts = new Map<number, { life: number; count: number }>()
        let last = 0
        for (const { worker, act, by } of steps) {
          const state = counts.get(worker) ?? { life: 0, count: 0 }
          const id = `${worker}.${state.life}`
          if (act === 'count') counts.set(worker, { ...state, count: state.count + by })
          if (act === 'report') cluster.take(id, total(state.count))
          if (act === 'die') {
            cluster.forget(id)
            counts.set(worker, { life: state.life + 1, count: 0 })
          }
          const now = read(cluster, 't_total') ?? 0
          assert.ok(now >= last, `${last} fell to ${now} by ${act}`)
          last = now
        }
      }),
    )
  })
})
