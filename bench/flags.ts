/**
 * Compares flags of Node and V8 for the workers, in turns with none, at un-streaming: start, CPU time, memory, latency.
 * `--only` takes some of them, by parts of their names. More can be given behind `--`: what follows is one set more.
 * usage: npm run bench:flags -- [--only semi,cache] [--size 10] [--seconds N] [--rounds N] [--starts N] [--warmup N] [-- FLAG…]
 */
import { parseArgs } from 'node:util'
import { describePlan, planOf, planOptions, readNumber } from './options.ts'
import { cpuOf, inTurns, type Measured, ratios } from './rounds.ts'
import { Stand } from './stand.ts'
import { median, spread } from './statistics.ts'
import { type Cell, figure, heading, percent, report, table, time } from './table.ts'
import { type ProxyChoices, proxyTarget } from './targets.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...planOptions,
    // Two processes of one program differ by more than a flag brings.
    starts: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string' },
    size: { type: 'string', default: '10' },
  },
})
const plan = { ...planOf(values), starts: readNumber('starts', values.starts) }
const compileCache = 'NODE_COMPILE_CACHE'

const stand = await Stand.open()
try {
  const job = { size: readNumber('size', values.size), stream: false }
  const sets = chosen(choices(stand.dir))
  // Filled when a process ends, so one has to have run before.
  const cached = sets.find(({ name }) => name === compileCache)
  if (cached) await stand.stop(await stand.start(proxyTarget(stand.upstream, job, cached)))
  const measured = await inTurns(
    stand,
    sets.map((set) => proxyTarget(stand.upstream, job, set)),
    plan,
  )
  const head = ['flags', 'ready after', 'CPU µs a request', '× none', 'its rounds', 'MiB', 'p50', 'p99']
  const rows = measured.map((one, at) => rowOf(sets[at]?.name ?? '', one, measured[0] ?? one))
  report([heading('Flags of Node'), describePlan(plan), table(head, rows)].join('\n\n'), values.record)
} finally {
  await stand.close()
}

/** What could pay; flags that give up safety or optimisation are not worth a look. */
function choices(dir: string): (ProxyChoices & { name: string })[] {
  const semi = (mib: number) => ({ name: `--max-semi-space-size=${mib}`, flags: [`--max-semi-space-size=${mib}`] })
  const flag = (...flags: string[]) => ({ name: flags.join(' '), flags })
  return [
    { name: 'none' },
    semi(8),
    semi(16),
    semi(32),
    semi(64),
    flag('--single-threaded-gc'),
    flag('--no-lazy-feedback-allocation'),
    flag('--invocation-count-for-turbofan=1500', '--minimum-invocations-after-ic-update=100'),
    flag('--max-inlined-bytecode-size=1000', '--max-inlined-bytecode-size-cumulative=4000'),
    flag('--use-largepages=on'),
    flag('--optimize-for-size'),
    { name: compileCache, env: { NODE_COMPILE_CACHE: `${dir}/compile-cache` } },
  ]
}

function chosen(all: (ProxyChoices & { name: string })[]): (ProxyChoices & { name: string })[] {
  const own = positionals.length > 0 ? [{ name: positionals.join(' '), flags: positionals }] : []
  const parts = values.only?.split(',')
  return [
    ...all.filter(
      ({ name }, at) => at === 0 || (parts?.some((part) => name.toLowerCase().includes(part.toLowerCase())) ?? true),
    ),
    ...own,
  ]
}

function rowOf(name: string, measured: Measured, none: Measured): Cell[] {
  const { target, rounds } = measured
  const each = ratios(measured, none)
  return [
    name,
    time(target.startMs),
    `${figure(Math.round(cpuOf(measured)))} ± ${percent(spread(rounds.map(({ cpuUs }) => cpuUs)))}`,
    median(each).toFixed(3),
    `${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)}`,
    figure(Math.round(median(rounds.map(({ rssBytes }) => rssBytes)) / 2 ** 20)),
    time(median(rounds.map(({ p50Ms }) => p50Ms))),
    time(median(rounds.map(({ p99Ms }) => p99Ms))),
  ]
}
