/**
 * What more workers bring, how evenly connections come to them, and what is lost when a worker is replaced. wrk and the
 * upstream share the cores with the proxy. With short answers they take so much of few cores that the requests a second
 * say little: what each core of the proxy's own time yields must not fall. With long ones they take next to nothing.
 * usage: npm run bench:scaling -- [--workers 1,2,4] [--seconds N] [--rounds N] [--connections N] [--warmup N] [--record]
 */
import { parseArgs } from 'node:util'
import { describePlan, planOf, planOptions } from './options.ts'
import { cpuOf, inTurns, type Measured } from './rounds.ts'
import { balanceAt, balanceOf, type Way, ways } from './scaling/balance.ts'
import { type Losses, lossesAt, lossesOf } from './scaling/losses.ts'
import { Stand } from './stand.ts'
import { median } from './statistics.ts'
import { type Cell, figure, heading, report, table, time } from './table.ts'
import { type Job, nameOf, proxyTarget, smallAnswer } from './targets.ts'

const { values } = parseArgs({
  options: {
    ...planOptions,
    // As many as there are clients, or one worker more than another would get none.
    connections: { type: 'string', default: '64' },
    workers: { type: 'string', default: '1,2,4' },
  },
})
const plan = planOf(values)
const longAnswer: Job = { size: 1000, stream: false }
const counts = values.workers.split(',').map(Number)
const allWays = Object.keys(ways) as Way[]
const several = counts.filter((count) => count > 1)

const stand = await Stand.open()
try {
  const sections = [heading('Scaling'), describePlan(plan)]
  for (const job of [smallAnswer, longAnswer]) sections.push(`${nameOf(job)}:`, await throughput(job))
  if (several.length > 0) sections.push('64 kept connections, by worker:', await balance())
  sections.push(
    '16 clients, a connection for each request, while one of two workers is replaced 20 times:',
    await losses(),
  )
  report(sections.join('\n\n'), values.record)
} finally {
  await stand.close()
}

function withWorkers(job: Job, count: number) {
  return proxyTarget(stand.upstream, job, { name: String(count), env: { WORKERS: String(count) } })
}

async function throughput(job: Job): Promise<string> {
  const targets = counts.map((count) => withWorkers(job, count))
  const measured = await inTurns(stand, targets, plan)
  const head = ['workers', 'requests/s', '× first', 'CPU µs a request', 'cores used', 'requests/s a core used', 'p99']
  return table(
    head,
    measured.map((one, at) => rowOf(counts[at] ?? 0, one, measured[0] ?? one)),
  )
}

function rowOf(count: number, measured: Measured, first: Measured): Cell[] {
  const perSecond = ({ rounds }: Measured) => median(rounds.map((round) => round.perSecond))
  const cpuUs = cpuOf(measured)
  return [
    String(count),
    figure(Math.round(perSecond(measured))),
    (perSecond(measured) / perSecond(first)).toFixed(2),
    figure(Math.round(cpuUs)),
    ((cpuUs * perSecond(measured)) / 1e6).toFixed(2),
    figure(Math.round(1e6 / cpuUs)),
    time(median(measured.rounds.map(({ p99Ms }) => p99Ms))),
  ]
}

async function balance(): Promise<string> {
  const head = [
    'who hands them out',
    ...several.flatMap((count) => [`${count} workers, at once`, `${count}, one by one`]),
  ]
  const rows: Cell[][] = []
  for (const way of allWays) {
    const cells = await forEach((count, atOnce) => balanceOf(stand, way, count, atOnce))
    rows.push([ways[way], ...cells])
  }
  rows.push(['openai-proxy', ...(await forEach(balanceOfProxy))])
  return table(head, rows)
}

async function balanceOfProxy(count: number, atOnce: boolean): Promise<string> {
  const target = await stand.start(withWorkers(smallAnswer, count))
  const shares = await balanceAt(target.url, count, atOnce)
  await stand.stop(target)
  return shares
}

async function losses(): Promise<string> {
  const cells = ({ answered, reset, hanging }: Losses) => [answered, reset, hanging].map(String)
  const rows: Cell[][] = []
  for (const way of allWays) rows.push([ways[way], ...cells(await lossesOf(stand, way))])
  const target = await stand.start(withWorkers(smallAnswer, 2))
  rows.push(['openai-proxy', ...cells(await lossesAt(Number(new URL(target.url).port), target.adminPort))])
  await stand.stop(target)
  return table(['who hands them out', 'answered', 'reset', 'hanging for 3 s'], rows)
}

/** In turn: workers of several clusters at once would compete for the cores. */
async function forEach(find: (count: number, atOnce: boolean) => Promise<string>): Promise<string[]> {
  const cells: string[] = []
  for (const count of several) {
    for (const atOnce of [true, false]) cells.push(await find(count, atOnce))
  }
  return cells
}
