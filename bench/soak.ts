/**
 * Loads one worker with all kinds of requests at a fixed rate for a long time, and looks whether anything grows: memory,
 * handles, files, the delay of the event loop. A straight line through each says by how much an hour. Ends with 1 when the
 * heap after a collection, or the memory of the process, grows faster than its bound by more than chance explains.
 * usage: npm run bench:soak -- [--minutes N] [--rate N] [--heap-bound MIB_PER_HOUR] [--rss-bound MIB_PER_HOUR] [--record]
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort } from '../test/support/port.ts'
import { ask, insideEnv, insideFlags } from './ask.ts'
import { readNumber } from './options.ts'
import { childrenOf } from './processes.ts'
import { type Sample, takeSample } from './soak/samples.ts'
import { Traffic } from './soak/traffic.ts'
import { type Running, Stand } from './stand.ts'
import { clearlyAbove, inBlocks, median, type Point, regression } from './statistics.ts'
import { type Cell, heading, report, table } from './table.ts'
import { proxyTarget, smallAnswer } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '200' },
    'heap-bound': { type: 'string', default: '2' },
    'rss-bound': { type: 'string', default: '10' },
    record: { type: 'boolean', default: false },
  },
})
const minutes = readNumber('minutes', values.minutes)
const rate = readNumber('rate', values.rate)
const upstreamFile = new URL('soak/upstream.ts', import.meta.url).pathname
/** Not at each sample: a full collection stops the worker, and would keep the heap smaller than it is in earnest. */
const collectEveryMs = Math.min(10_000, minutes * 1000)
/** The first part is left out: code, tables and pools come into memory only once all kinds of requests were there. */
const warmupShare = 0.2
const blocks = 20
/** Before, the process is still growing to its working size, and a line through that is steep. */
const leastMinutes = 10

const stand = await Stand.open()
try {
  const target = await start()
  const [worker] = childrenOf(target.pid)
  if (worker === undefined) throw new Error('the proxy has no worker')
  const traffic = new Traffic(target.url, rate)
  const { samples, collected } = await watch(target, worker)
  await traffic.stop()
  const growth = [
    grown('heap after a collection, MiB', collected, readNumber('heap-bound', values['heap-bound'])),
    grown('memory of the process, MiB', pointsOf(samples, 'rssMiB'), readNumber('rss-bound', values['rss-bound'])),
    grown('heap, MiB', pointsOf(samples, 'heapMiB')),
    grown('active resources', pointsOf(samples, 'resources')),
    grown('open files', pointsOf(samples, 'files')),
    grown('mean delay of the event loop, ms', pointsOf(samples, 'delayMs')),
    grown('99th percentile of that, ms', pointsOf(samples, 'delayP99Ms')),
    grown('requests in flight', pointsOf(samples, 'inFlight')),
  ]
  const head = ['what', 'at the beginning', 'median', 'at the end', 'change an hour', '± two standard errors', 'bound']
  const about = `${minutes} minutes at ${rate} requests a second to one worker; the first ${warmupShare * 100} % are left out.`
  const outcomes = `Outcomes: ${JSON.stringify(traffic.outcomes)}`
  const section = [
    heading('Soak'),
    about,
    table(
      head,
      growth.map(({ row }) => row),
    ),
    outcomes,
  ].join('\n\n')
  report(section, values.record)
  const leaks = growth.filter(({ tooFast }) => tooFast).map(({ name }) => name)
  if (minutes < leastMinutes) console.error(`Less than ${leastMinutes} minutes say nothing about an hour.`)
  else if (leaks.length > 0) {
    console.error(`Grows faster than its bound: ${leaks.join('; ')}.`)
    process.exitCode = 1
  }
} finally {
  await stand.close()
}

async function start(): Promise<Running> {
  const port = await freePort()
  stand.spawn('soak-upstream', [upstreamFile], { env: { ...process.env, PORT: String(port) } })
  const env = { ...insideEnv(stand.dir), MAX_CONCURRENCY: '100000' }
  return stand.start(proxyTarget(`http://127.0.0.1:${port}`, smallAnswer, { flags: insideFlags, env }))
}

/** A sample a second, and a heap after collection more rarely. */
async function watch(target: Running, worker: number): Promise<{ samples: Sample[]; collected: Point[] }> {
  const [samples, collected]: [Sample[], Point[]] = [[], []]
  const startMs = performance.now()
  const endMs = startMs + minutes * 60_000
  let collectMs = startMs
  while (performance.now() < endMs) {
    const sample = await takeSample(target.adminPort, startMs)
    samples.push(sample)
    if (performance.now() >= collectMs) {
      const { heapUsed } = await ask<NodeJS.MemoryUsage>(stand.dir, worker, 'memory')
      collected.push([sample.hours, heapUsed / 2 ** 20])
      collectMs += collectEveryMs
    }
    await wait(1000)
  }
  return { samples, collected }
}

function pointsOf(samples: readonly Sample[], member: Exclude<keyof Sample, 'hours'>): Point[] {
  return samples.map((sample) => [sample.hours, sample[member]])
}

function grown(
  name: string,
  points: readonly Point[],
  bound?: number,
): { name: string; row: Cell[]; tooFast: boolean } {
  const counted = points.slice(Math.floor(points.length * warmupShare))
  const line = regression(inBlocks(counted, blocks))
  const at = (hours: number) => (line.start + line.slope * hours).toFixed(1)
  const [first, last] = [counted[0]?.[0] ?? 0, counted.at(-1)?.[0] ?? 0]
  const middle = median(counted.map(([, value]) => value)).toFixed(1)
  const change = [line.slope, 2 * line.error].map((value) => value.toFixed(2))
  const row = [name, at(first), middle, at(last), ...change, bound === undefined ? '' : `≤ ${bound}`]
  return { name, row, tooFast: bound !== undefined && clearlyAbove(line, bound) }
}
