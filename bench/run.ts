/**
 * Measures the whole proxy beside the floor and nginx, in turns within one run, so that a noisy machine disturbs all
 * alike. The figure to look at is the CPU time of a target's processes for each request, and its ratio to the floor.
 * Prints one table and, with --record, appends it to RESULTS.md. Needs Debian's nginx and wrk.
 * usage: npm run bench -- [--seconds N] [--rounds N] [--connections N] [--warmup N] [--record]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, chmodSync, mkdtempSync, openSync } from 'node:fs'
import { createServer } from 'node:http'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { request } from './body.ts'
import { load, type Yield } from './load.ts'
import { startNginx } from './nginx.ts'
import { costOf } from './processes.ts'
import { nginxTarget, pair, type Target, telemetryTargets } from './targets.ts'

interface Round extends Yield {
  readonly cpuUs: number
  readonly rssBytes: number
}

interface Running extends Target {
  readonly url: string
  readonly child: ChildProcess | undefined
  readonly rounds: Round[]
}

const tableHead =
  '| target | CPU µs a request | × first | requests/s | p50 | p99 | MiB | failed |\n|---|---|---|---|---|---|---|---|'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    warmup: { type: 'string', default: '8' },
    record: { type: 'boolean', default: false },
  },
})
const dir = mkdtempSync(join(tmpdir(), 'openai-proxy-bench-'))
// nginx started by root reads its files as somebody else.
chmodSync(dir, 0o755)
const upstreamPort = 19_100
const children: ChildProcess[] = []

const nginx = startNginx(dir, upstreamPort)
const collector = createServer((req, res) => req.resume().on('end', () => res.end()))
try {
  collector.listen(upstreamPort + 2, '127.0.0.1')
  const groups = [
    pair(upstreamPort, 10, false, 19_200),
    pair(upstreamPort, 100, false, 19_210),
    pair(upstreamPort, 1000, false, 19_220),
    [...pair(upstreamPort, 100, true, 19_230), nginxTarget(upstreamPort, 100)],
    telemetryTargets(upstreamPort, 19_240, `http://127.0.0.1:${upstreamPort + 2}`),
  ]
  const table: string[] = []
  for (const group of groups) {
    const rows = await measure(group)
    console.error(rows.join('\n'))
    table.push(...rows)
  }
  const report = `${heading()}\n\n${tableHead}\n${table.join('\n')}\n`
  console.log(report)
  if (values.record) appendFileSync(new URL('RESULTS.md', import.meta.url), `\n${report}`)
} finally {
  for (const child of children) child.kill()
  nginx.kill()
  collector.close()
  collector.closeAllConnections()
}

/** Measures the targets of one group in turns; the first is what the others are compared with. */
async function measure(group: readonly Target[]): Promise<string[]> {
  const running = group.map(start)
  for (const target of running) {
    await untilReady(target)
    // Until V8 has compiled what is hot, a third of the CPU time is its compiler's.
    await turn(target, Number(values.warmup))
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const target of running) target.rounds.push(await turn(target))
  }
  for (const { child } of running) child?.kill()
  const base = median(running[0]?.rounds.map(({ cpuUs }) => cpuUs) ?? [])
  return running.map((target) => row(target, base))
}

function start(target: Target): Running {
  const { args, env, port, path = '/v1/chat/completions' } = target
  const url = `http://127.0.0.1:${port}${path}`
  if (!args) return { ...target, url, child: undefined, rounds: [] }
  const out = openSync(join(dir, `${port}.log`), 'w')
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', out, out],
  })
  children.push(child)
  return { ...target, url, child, rounds: [] }
}

async function untilReady({ url, name, stream = false }: Running): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream }),
    }).catch(() => undefined)
    await answer?.text()
    if (answer?.ok) return
    await wait(100)
  }
  throw new Error(`${name} did not answer within 30 s; its output is in ${dir}`)
}

async function turn({ url, stream = false, child }: Running, seconds = Number(values.seconds)): Promise<Round> {
  const before = child?.pid ? costOf(child.pid) : undefined
  const options = { url, stream, connections: Number(values.connections), seconds }
  const result = await load(dir, options)
  const after = child?.pid ? costOf(child.pid) : undefined
  const cpuUs = before && after ? (after.cpuUs - before.cpuUs) / result.requests : Number.NaN
  return { ...result, cpuUs, rssBytes: after?.rssBytes ?? Number.NaN }
}

function row({ name, rounds }: Running, base: number): string {
  const cpu = median(rounds.map(({ cpuUs }) => cpuUs))
  const last = rounds.at(-1) as Round
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
  const cells = [
    name,
    Number.isNaN(cpu) ? '–' : cpu.toFixed(0),
    Number.isNaN(cpu) ? '–' : (cpu / base).toFixed(2),
    median(rounds.map(({ perSecond }) => perSecond)).toFixed(0),
    last.p50,
    last.p99,
    Number.isNaN(last.rssBytes) ? '–' : (last.rssBytes / 2 ** 20).toFixed(0),
    String(failed),
  ]
  return `| ${cells.join(' | ')} |`
}

function median(figures: readonly number[]): number {
  return [...figures].sort((one, other) => one - other)[figures.length >> 1] ?? Number.NaN
}

function heading(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`
  return `## ${new Date().toISOString().slice(0, 10)}, ${commit}, Node ${process.versions.node}, ${machine}\n\n${values.rounds} rounds of ${values.seconds} s after ${values.warmup} s of warm-up, ${values.connections} connections; load generator and upstream on the same cores.`
}
