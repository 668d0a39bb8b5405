/**
 * What is left of the goodput when three times as much arrives as the proxy can do. For each kind of limit: the
 * goodput (answers with 200 within the time, a second) at a rising rate of arrivals, its peak, and the same at three
 * times that; and what a refusal costs. Needs Debian's nginx and wrk.
 * usage: npm run bench:overload -- [--seconds N] [--rounds N] [--record]
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { request } from './body.ts'
import { load } from './load.ts'
import { startNginx } from './nginx.ts'
import { Arrivals, type Arrived, MOST_CONNECTIONS } from './overload/arrivals.ts'
import { type Measured, startProxy, startThinker } from './overload/proxy.ts'
import { costOf } from './processes.ts'
import { median, quantile } from './statistics.ts'

interface Scene {
  readonly name: string
  readonly upstream: string
  /** MAX_CONCURRENCY. */
  readonly most: number
  /** What is expected of it, a second; undefined is tried out with a closed loop. */
  readonly expected?: number
}

/** The rate of arrivals that brings the most answers in time, both a second. */
interface Peak {
  readonly rate: number
  readonly goodput: number
}

interface Offer extends Arrived {
  /** Share of one core that the proxy's processes used. */
  readonly cpu: number
}

const { values } = parseArgs({
  options: {
    // Long, since it is about what is sustained: the first seconds bring thousands of new connections.
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '2' },
    record: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const path = '/v1/chat/completions'
const dir = mkdtempSync(join(tmpdir(), 'openai-proxy-overload-'))
// nginx started by root reads its files as somebody else.
chmodSync(dir, 0o755)
const ports = { nginx: 19_500, passing: 19_501, thinker: 19_502, silent: 19_503, proxy: 19_510 }
const thinkMs = 250

const scenes: Scene[] = [
  {
    name: `the cap: 100 at once, ${thinkMs} ms each, 103 events`,
    upstream: `http://127.0.0.1:${ports.thinker}${path}`,
    most: 100,
    expected: (100 / thinkMs) * 1000,
  },
  ...[100, 1000].map((size) => ({
    name: `the CPU: no waiting, ${size + 3} events`,
    upstream: `http://127.0.0.1:${ports.nginx}/s${size}${path}`,
    most: 100,
  })),
]

const nginx = startNginx(dir, { upstream: ports.nginx, proxy: ports.passing })
const servers = [startThinker(ports.thinker, thinkMs), startThinker(ports.silent, Number.POSITIVE_INFINITY)]
const running = new Set<Measured>()
try {
  const rows = [
    '| limited by | peak, 200/s | at 3 ×, 200/s | kept | kept of a CPU second | 503s, no connection left | failed | p50, p99 of the 200s at 3 ×, ms | core used |',
  ]
  rows.push('|---|---|---|---|---|---|---|---|---|')
  for (const scene of scenes) rows.push(await row(scene))
  const report = `${heading()}\n\n${rows.join('\n')}\n\nA refusal costs ${(await refusalUs()).toFixed(0)} µs of CPU.\n`
  console.log(report)
  if (values.record) appendFileSync(new URL('RESULTS.md', import.meta.url), `\n${report}`)
} finally {
  for (const { child } of running) child.kill()
  for (const child of Object.values(nginx)) child.kill()
  for (const server of servers) server.close().closeAllConnections()
}

/** Peak and overload take turns, so that a noisy machine disturbs both alike. */
async function row(scene: Scene): Promise<string> {
  const proxy = await begin(scene.upstream, scene.most)
  const arrivals = new Arrivals(proxy.port, path, JSON.stringify(request))
  const tried = await closedLoop(proxy)
  const guess = scene.expected ?? tried
  const peak = await findPeak(proxy, arrivals, guess)
  const atPeak: Offer[] = []
  const over: Offer[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    atPeak.push(await offer(proxy, arrivals, peak.rate))
    over.push(await offer(proxy, arrivals, 3 * peak.goodput))
  }
  arrivals.close()
  await end(proxy)
  return describe(scene.name, atPeak, over)
}

/** The rate of arrivals, of those around what is expected, that brings the most goodput. */
async function findPeak(proxy: Measured, arrivals: Arrivals, guess: number): Promise<Peak> {
  let best = { rate: guess, goodput: 0 }
  for (const share of [0.8, 1, 1.2, 1.4]) {
    const rate = guess * share
    const goodput = goodputOf(await offer(proxy, arrivals, rate))
    console.error(`  ${rate.toFixed(0)} offered a second: ${goodput.toFixed(0)} answered`)
    if (goodput > best.goodput) best = { rate, goodput }
  }
  return best
}

async function offer(proxy: Measured, arrivals: Arrivals, rate: number): Promise<Offer> {
  const before = costOf(proxy.pid).cpuUs
  let after = before
  const arrived = await arrivals.run(rate, seconds, () => {
    after = costOf(proxy.pid).cpuUs
  })
  return { ...arrived, cpu: (after - before) / seconds / 1e6 }
}

/** What the proxy does a second when 32 clients each wait for their answer; also warms it up. */
async function closedLoop(proxy: Measured): Promise<number> {
  const url = `http://127.0.0.1:${proxy.port}${path}`
  await load(dir, { url, stream: false, connections: 32, seconds: 2 * seconds })
  return (await load(dir, { url, stream: false, connections: 32, seconds })).perSecond
}

/** The CPU of one 503, microseconds: one request that never ends fills the proxy, and all others are refused. */
async function refusalUs(): Promise<number> {
  const proxy = await begin(`http://127.0.0.1:${ports.silent}${path}`, 1)
  const url = `http://127.0.0.1:${proxy.port}${path}`
  const filling = fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  }).catch(() => undefined)
  await wait(500)
  const costs: number[] = []
  // The first turn warms up.
  for (let round = 0; round <= Number(values.rounds); round++) {
    const before = costOf(proxy.pid).cpuUs
    const { requests, failed } = await load(dir, { url, stream: false, connections: 16, seconds })
    if (failed < requests) throw new Error('not all were refused')
    costs.push((costOf(proxy.pid).cpuUs - before) / requests)
  }
  await end(proxy)
  await filling
  return median(costs.slice(1))
}

async function begin(upstream: string, most: number): Promise<Measured> {
  const proxy = await startProxy(dir, ports.proxy, upstream, most)
  running.add(proxy)
  return proxy
}

async function end(proxy: Measured): Promise<void> {
  const ended = new Promise((resolve) => proxy.child.once('exit', resolve))
  proxy.child.kill('SIGKILL')
  await ended
  running.delete(proxy)
}

function goodputOf({ good, seconds: time }: Arrived): number {
  return good / time
}

/** Answers with 200 in time, for each second of CPU: what other work on the machine disturbs least. */
function perCpuSecond(offers: readonly Offer[]): number {
  return median(offers.map((one) => goodputOf(one) / one.cpu))
}

function describe(name: string, atPeak: readonly Offer[], over: readonly Offer[]): string {
  const [peak, rest] = [atPeak, over].map((offers) => median(offers.map(goodputOf))) as [number, number]
  const sum = (what: (offer: Offer) => number) => over.reduce((total, one) => total + what(one), 0)
  const times = over.flatMap(({ goodMs }) => goodMs)
  const [arrived, refused] = [sum((one) => one.arrived), sum((one) => one.refused)]
  const cells = [
    name,
    peak.toFixed(0),
    rest.toFixed(0),
    `${((100 * rest) / peak).toFixed(0)} %`,
    `${((100 * perCpuSecond(over)) / perCpuSecond(atPeak)).toFixed(0)} %`,
    [refused, sum((one) => one.unsent)].map((count) => `${((100 * count) / arrived).toFixed(0)} %`).join(', '),
    String(sum((one) => one.failed)),
    [0.5, 0.99].map((share) => quantile(times, share).toFixed(0)).join(', '),
    [atPeak, over].map((offers) => `${(100 * median(offers.map(({ cpu }) => cpu))).toFixed(0)} %`).join(' → '),
  ]
  return `| ${cells.join(' | ')} |`
}

function heading(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`
  const what = `Arrivals at a fixed rate, whatever became of those before; median of ${values.rounds} rounds of ${seconds} s. One worker; generator and upstream on the same cores, load average ${loadavg()[0]?.toFixed(1)} at the end. No connection left: all ${MOST_CONNECTIONS} of the clients' wait for an answer.`
  return `## Overload, ${new Date().toISOString().slice(0, 10)}, ${commit}, Node ${process.versions.node}, ${machine}\n\n${what}`
}
