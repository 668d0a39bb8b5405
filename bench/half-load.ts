/**
 * How much later answers come through the proxy than from the upstream itself, at half of what the proxy can do. First finds
 * that: wrk with as many connections as give the most. Then requests leave at half of it, at a fixed rate that waits for
 * nobody (else a slow answer would hold back the requests that had suffered from it), to both in turns.
 * usage: npm run bench:half-load -- [--seconds N] [--rounds N] [--connections N] [--warmup N] [--workers N] [--record]
 */
import { parseArgs } from 'node:util'
import { request } from './body.ts'
import { planOf, planOptions } from './options.ts'
import { Arrivals, type Arrived } from './overload/arrivals.ts'
import { Stand } from './stand.ts'
import { median, quantile } from './statistics.ts'
import { type Cell, figure, heading, report, table, time } from './table.ts'
import { nameOf, proxyTarget, smallAnswer } from './targets.ts'

const { values } = parseArgs({ options: { ...planOptions, workers: { type: 'string', default: '1' } } })
const plan = planOf(values)
const shares = [0.5, 0.99]

interface Way {
  readonly name: string
  readonly arrivals: Arrivals
  readonly runs: Arrived[]
}

const stand = await Stand.open()
const ways: Way[] = []
try {
  const target = await stand.start(proxyTarget(stand.upstream, smallAnswer, { env: { WORKERS: values.workers } }))
  await stand.turn(target, { ...plan, seconds: plan.warmup })
  const { perSecond: peak } = await stand.turn(target, plan)
  const rate = peak / 2
  ways.push(wayTo('the upstream', `${stand.upstream}/s${smallAnswer.size}/v1/chat/completions`))
  ways.push(wayTo('through the proxy', target.url))
  // The generator's own code is compiled, and all connections are open, before anything counts.
  for (const { arrivals } of ways) await arrivals.run(rate, 1)
  for (let round = 0; round < plan.rounds; round++) {
    for (const { arrivals, runs } of ways) runs.push(await arrivals.run(rate, plan.seconds))
  }
  const about =
    `${nameOf(smallAnswer)}, ${values.workers} worker(s): at most ${figure(Math.round(peak))} requests a second; here ` +
    `${figure(Math.round(rate))}, ${plan.rounds} rounds of ${plan.seconds} s in turns, medians of the rounds. Generator and ` +
    'upstream share the cores with the proxy.'
  const rows = [...ways.map(rowOf), addedRow()]
  report(
    [heading('Half load'), about, table(['answers from', 'p50', 'p99', 'failed'], rows)].join('\n\n'),
    values.record,
  )
} finally {
  for (const { arrivals } of ways) arrivals.close()
  await stand.close()
}

function wayTo(name: string, url: string): Way {
  const { port, pathname } = new URL(url)
  const body = JSON.stringify({ ...request, stream: false })
  return { name, arrivals: new Arrivals(Number(port), pathname, body), runs: [] }
}

function latencies({ runs }: Way): number[] {
  return shares.map((share) => median(runs.map(({ goodMs }) => quantile(goodMs, share))))
}

function rowOf(way: Way): Cell[] {
  const failed = way.runs.reduce((sum, run) => sum + run.failed + run.refused, 0)
  return [way.name, ...latencies(way).map(time), String(failed)]
}

function addedRow(): Cell[] {
  const [direct, through] = ways.map(latencies)
  return ['added', ...(through ?? []).map((ms, at) => time(ms - (direct?.[at] ?? Number.NaN))), '']
}
