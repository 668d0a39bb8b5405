import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Counter, Histogram, Registry } from 'prom-client'
import { write } from '../../src/telemetry/exposition.ts'
import type { CounterRow, HistogramRow } from '../../src/telemetry/metric-table.ts'
import { readSnapshot } from '../../src/telemetry/snapshot.ts'
import { Tallies } from '../../src/telemetry/tally.ts'

const histogramRow = {
  name: 'test_seconds',
  type: 'histogram',
  help: 'For the test.',
  labels: ['route', 'model'],
  buckets: [0.1, 0.5, 1],
  exemplars: true,
} as const satisfies HistogramRow

const counterRow = {
  name: 'test_total',
  type: 'counter',
  help: 'For the test.',
  labels: ['route', 'model'],
} as const satisfies CounterRow

// More label sets than are found by a look at each, and values that a joined key could confuse.
const label = fc.oneof(fc.constantFrom('a', 'b', 'a\nb', '', '__proto__', '"'), fc.string())
const seconds = fc.oneof(fc.constantFrom(0, 0.1, 0.5, 1, 1.0000001), fc.double({ min: 0, max: 3, noNaN: true }))
const observations = fc.array(fc.tuple(seconds, label, label), { maxLength: 60 })

/** The lines, in no order. */
function linesOf(text: string): string[] {
  return text.split('\n').sort()
}

describe('what is counted with every request', () => {
  it('is shown as prom-client would show it', async () => {
    await fc.assert(
      fc.asyncProperty(observations, async (observed) => {
        const registry = new Registry()
        const named = (row: CounterRow | HistogramRow) => ({
          name: row.name,
          help: row.help,
          labelNames: row.labels,
          registers: [registry],
        })
        const theirs = new Histogram({ ...named(histogramRow), buckets: [...histogramRow.buckets] })
        const theirCounter = new Counter(named(counterRow))
        const tallies = new Tallies()
        const observe = tallies.histogram(histogramRow)
        const count = tallies.counter(counterRow)
        for (const [value, route, model] of observed) {
          theirs.labels(route, model).observe(value)
          theirCounter.labels(route, model).inc(value)
          observe(value, undefined, route, model)
          count(value, route, model)
        }
        const expected = write(readSnapshot(await registry.getMetricsAsJSON()), 'prometheus').body
        assert.deepEqual(linesOf(write(tallies.snapshot(), 'prometheus').body), linesOf(expected))
      }),
    )
  })

  it('keeps the newest trace of each bucket, and none where the metric shows none', () => {
    const tallies = new Tallies()
    const observe = tallies.histogram(histogramRow)
    const without = tallies.histogram({ ...histogramRow, name: 'other_seconds', exemplars: false })
    for (const [at, value] of [0.05, 0.06, 7].entries()) {
      observe(value, { trace_id: `trace-${at}`, span_id: 'span' }, 'r', 'm')
      without(value, { trace_id: `trace-${at}`, span_id: 'span' }, 'r', 'm')
    }
    const [family, other] = tallies.snapshot()
    const shown = family?.values.map(({ exemplar }) => exemplar?.labelSet.trace_id)
    assert.deepEqual(shown, ['trace-1', undefined, undefined, 'trace-2', undefined, undefined])
    assert.ok(other?.values.every(({ exemplar }) => exemplar === undefined))
  })

  it('shows a total of 0 where there are no labels, and nothing where no label set was seen', () => {
    const tallies = new Tallies()
    tallies.counter({ ...counterRow, labels: [] })
    tallies.counter(counterRow)
    assert.deepEqual(
      tallies.snapshot().map(({ values }) => values.map(({ value }) => value)),
      [[0], []],
    )
  })
})
