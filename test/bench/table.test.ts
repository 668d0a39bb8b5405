import assert from 'node:assert/strict'
import { readYield } from '../../bench/load.ts'
import { planOf } from '../../bench/options.ts'
import { sumOf } from '../../bench/soak/samples.ts'
import { figure, percent, table, time } from '../../bench/table.ts'

describe('a table of figures', () => {
  it('is what Markdown has, with a bar in a cell told from one between cells', () => {
    assert.equal(table(['a', 'b'], [['x|y', 1.234]]), '| a | b |\n| --- | --- |\n| x\\|y | 1.23 |')
  })

  it('shows as many digits as mean something', () => {
    assert.deepEqual([0.1234, 12.34, 123.4, 5].map(figure), ['0.12', '12.3', '123', '5'])
    assert.equal(figure(Number.NaN), '–')
  })

  it('writes times in the unit that suits them', () => {
    assert.deepEqual([0.0574, 2.51, 1200].map(time), ['57.4 µs', '2.51 ms', '1.20 s'])
  })

  it('writes shares in percent', () => assert.deepEqual([0.034, 0.25].map(percent), ['3.4 %', '25 %']))
})

describe('what wrk reports', () => {
  const report = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     9.17ms   57.62ms   1.20s    97.00%
  Latency Distribution
     50%  500.00us
     75%    9.00ms
     90%    1.00s
     99%    1.50m
  6690 requests in 2.00s, 5.00MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:   3345.12
`

  it('is read with its units, and everything that failed is counted', () => {
    const expected = { requests: 6690, perSecond: 3345.12, p50Ms: 0.5, p99Ms: 90_000, failed: 15 }
    assert.deepEqual(readYield(report), expected)
  })

  it('may have nothing that failed', () => {
    const good = report.replace(/^ {2}(Socket|Non).*\n/gm, '')
    assert.equal(readYield(good).failed, 0)
  })

  it('is refused when it has no count', () => {
    assert.throws(() => readYield('unable to connect'), /did not say how many requests it made: unable to connect/)
  })
})

describe('the plan of a measurement', () => {
  it('is made of numbers', () => {
    const plan = { seconds: '3', rounds: '2', connections: '32', warmup: '0' }
    assert.deepEqual(planOf(plan), { seconds: 3, rounds: 2, connections: 32, warmup: 0 })
    for (const wrong of ['x', '', '-1', 'Infinity']) {
      assert.throws(() => planOf({ ...plan, rounds: wrong }), /--rounds .*is no number/)
    }
  })
})

describe('a sum of samples of Prometheus', () => {
  const exposition = `# TYPE open gauge
open{type="a",worker="1"} 3
open{type="b",worker="1"} 4 1700000000
open{type="a",worker="primary"} 50
open_more{worker="1"} 600
bare 7
`
  it('takes the series of that name with those labels, and no others', () => {
    assert.equal(sumOf(exposition, 'open', 'worker="1"'), 7)
    assert.equal(sumOf(exposition, 'open'), 57)
    assert.equal(sumOf(exposition, 'bare'), 7)
  })

  it('is no number when there are none', () => assert.ok(Number.isNaN(sumOf(exposition, 'none'))))
})
