import assert from 'node:assert/strict'
import { negotiate, write } from '../../src/telemetry/exposition.ts'
import type { Snapshot } from '../../src/telemetry/snapshot.ts'

const snapshot: Snapshot = [
  {
    name: 'c_total',
    help: 'Counts.\nAnd more \\ so.',
    type: 'counter',
    aggregator: 'sum',
    values: [{ value: 3, labels: { model: 'a"b\\c\nd' } }],
  },
  {
    name: 'h_seconds',
    help: 'Times.',
    type: 'histogram',
    aggregator: 'sum',
    values: [
      {
        metricName: 'h_seconds_bucket',
        value: 1,
        labels: { le: 0.5 },
        exemplar: { labelSet: { trace_id: 'abc' }, value: 0.3, timestamp: 1700000000.5 },
      },
      { metricName: 'h_seconds_bucket', value: 1, labels: { le: '+Inf' }, exemplar: null },
      { metricName: 'h_seconds_sum', value: 0.3, labels: {} },
      { metricName: 'h_seconds_count', value: 1, labels: {} },
    ],
  },
  {
    name: 'g',
    help: 'Odd numbers.',
    type: 'gauge',
    aggregator: 'sum',
    values: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map((value, index) => ({
      value,
      labels: { index },
    })),
  },
]

describe('the text of metrics', () => {
  it("is Prometheus's format, without exemplars", () => {
    const { body, contentType } = write(snapshot, 'prometheus')
    assert.equal(contentType, 'text/plain; version=0.0.4; charset=utf-8')
    assert.equal(
      body,
      [
        '# HELP c_total Counts.\\nAnd more \\\\ so.',
        '# TYPE c_total counter',
        'c_total{model="a\\"b\\\\c\\nd"} 3',
        '# HELP h_seconds Times.',
        '# TYPE h_seconds histogram',
        'h_seconds_bucket{le="0.5"} 1',
        'h_seconds_bucket{le="+Inf"} 1',
        'h_seconds_sum 0.3',
        'h_seconds_count 1',
        '# HELP g Odd numbers.',
        '# TYPE g gauge',
        'g{index="0"} +Inf',
        'g{index="1"} -Inf',
        'g{index="2"} NaN',
        '',
      ].join('\n'),
    )
  })

  it('in OpenMetrics, counters are named without their suffix, exemplars follow their bucket, and it says where it ends', () => {
    const { body, contentType } = write(snapshot, 'openmetrics')
    assert.equal(contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    assert.match(body, /^# TYPE c counter\nc_total\{/m)
    assert.match(body, /^h_seconds_bucket\{le="0\.5"\} 1 # \{trace_id="abc"\} 0\.3 1700000000\.5$/m)
    assert.ok(body.endsWith('\n# EOF\n'))
  })

  it('OpenMetrics is written for those who ask for it', () => {
    const prometheus = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
    assert.equal(negotiate(prometheus), 'openmetrics')
    assert.equal(negotiate('*/*'), 'prometheus')
    assert.equal(negotiate(undefined), 'prometheus')
  })

  const weighed: readonly [accept: string, format: string][] = [
    // Prometheus with scrape_protocols [PrometheusText0.0.4, OpenMetricsText1.0.0].
    ['text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.4', 'prometheus'],
    ['application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4', 'openmetrics'],
    [
      'application/openmetrics-text; version=0.0.1; q=0.3, Application/OpenMetrics-Text; Q=0.6, text/*;q=0.5',
      'openmetrics',
    ],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text;q=0.5, */*', 'prometheus'],
    ['text/plain;q=0, application/openmetrics-text;q=0.001, */*', 'openmetrics'],
    ['application/openmetrics-text;q=none', 'prometheus'],
  ]
  for (const [accept, format] of weighed) {
    it(`weighs what a scraper prefers: ${accept}`, () => assert.equal(negotiate(accept), format))
  }
})
