/**
 * Shows where a request's CPU time and memory go: a flame graph as a picture and a summary, of each, in `bench/profiles/`,
 * and V8's own files in the system's folder for temporary ones, for Chrome's developer tools.
 * usage: npm run bench:profile -- [unstream|stream] [--size 10|100|1000] [--seconds N] [--warmup N] [--connections N]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ask, insideEnv, insideFlags } from './ask.ts'
import { planOf, planOptions } from './options.ts'
import { childrenOf, mainThread, threadsOf } from './processes.ts'
import { type AllocationProfile, type CpuProfile, type Frame, fromAllocations, fromCpu } from './profile/stacks.ts'
import { summary } from './profile/summary.ts'
import { flameGraph } from './profile/svg.ts'
import { type Round, type Running, Stand } from './stand.ts'
import { figure } from './table.ts'
import { type Job, nameOf, proxyTarget } from './targets.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ...planOptions, seconds: { type: 'string', default: '8' }, size: { type: 'string' } },
})
const [mode = 'unstream'] = positionals
if (mode !== 'unstream' && mode !== 'stream') throw new Error('usage: npm run bench:profile -- [unstream|stream]')
const stream = mode === 'stream'
const job: Job = { size: Number(values.size ?? (stream ? 100 : 10)), stream }
const plan = planOf(values)
const folder = new URL('profiles/', import.meta.url)

const stand = await Stand.open()
try {
  const choices = { flags: insideFlags, env: insideEnv(stand.dir) }
  const target = await stand.start(proxyTarget(stand.upstream, job, choices))
  const [worker] = childrenOf(target.pid)
  if (worker === undefined) throw new Error('the proxy has no worker')
  await stand.turn(target, { ...plan, seconds: plan.warmup })
  await profileCpu(target, worker)
  await profileAllocations(target, worker)
} finally {
  await stand.close()
}

async function profileCpu(target: Running, worker: number): Promise<void> {
  const { round, profile, threads } = await profiled<CpuProfile>(target, worker, 'cpu')
  const root = fromCpu(profile)
  // The profiler counts time by the clock, in which this thread also waits for a core that something else has.
  const perRequest = (sum: number) => ((threads.get(mainThread) ?? 0) / root.total) * (sum / round.requests)
  const others = [...threads]
    .map(([name, cpuUs]) => [name, cpuUs / round.requests] as const)
    // The profiler has a thread of its own, `v8:ProfEvntProc`.
    .filter(([name, cpuUs]) => cpuUs >= 0.5 && !name.startsWith('v8:Prof'))
    .map(([name, cpuUs]) => `${name} ${figure(cpuUs)}`)
  const notes = [
    'The main thread of one worker, as the sampling profiler sees it, which itself costs some. `(program)` is native code ' +
      'outside of any function: system calls, and compilation that V8 does not leave to its other threads.',
    `CPU µs a request of each thread of the worker; those of V8 compile and collect garbage: ${others.join(', ')}.`,
  ]
  write('cpu', root, perRequest, 'µs', notes)
}

async function profileAllocations(target: Running, worker: number): Promise<void> {
  const { round, profile } = await profiled<AllocationProfile>(target, worker, 'allocations')
  const notes = ['Sampled; what was collected is counted, memory outside of the heap (the bytes of Buffers) is not.']
  write('allocations', fromAllocations(profile), (sum) => sum / round.requests, 'bytes', notes)
}

/** Loads the target while one of its processes is being profiled. */
async function profiled<Profile>(
  target: Running,
  worker: number,
  kind: 'cpu' | 'allocations',
): Promise<{ round: Round; profile: Profile; threads: ReadonlyMap<string, number> }> {
  await ask(stand.dir, worker, `${kind}-start`)
  const before = threadsOf(worker)
  const round = await stand.turn(target, plan)
  const threads = new Map([...threadsOf(worker)].map(([name, cpuUs]) => [name, cpuUs - (before.get(name) ?? 0)]))
  const profile = await ask<Profile>(stand.dir, worker, `${kind}-stop`)
  const raw = join(tmpdir(), `openai-proxy.${kind === 'cpu' ? 'cpuprofile' : 'heapprofile'}`)
  writeFileSync(raw, JSON.stringify(profile))
  console.error(`V8's own file: ${raw}`)
  return { round, profile, threads }
}

function write(
  kind: string,
  root: Frame,
  perRequest: (sum: number) => number,
  unit: string,
  notes: readonly string[],
): void {
  mkdirSync(folder, { recursive: true })
  const title = `${kind === 'cpu' ? 'CPU' : 'Allocations'} of a request, ${nameOf(job)}`
  const amount = (sum: number) => `${figure(perRequest(sum))} ${unit}`
  const name = `${mode}-${job.size + 3}-${kind}`
  writeFileSync(new URL(`${name}.svg`, folder), flameGraph(root, { title: `${title}: ${amount(root.total)}`, amount }))
  const text = summary(root, { title, unit: `${unit} a request`, perRequest, notes })
  writeFileSync(new URL(`${name}.md`, folder), text)
  console.log(`${text}Picture: ${new URL(`${name}.svg`, folder).pathname}\n`)
}
