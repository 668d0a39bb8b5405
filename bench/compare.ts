/**
 * Measures two commits in turns, at the jobs of the big table. Without a second commit, the first one is compared with
 * the working tree as it is. A difference smaller than the spread of the rounds is no difference.
 * usage: npm run bench:compare -- COMMIT_A [COMMIT_B] [--seconds N] [--rounds N] [--connections N] [--warmup N]
 */
import { parseArgs } from 'node:util'
import { describePlan, planOf, planOptions } from './options.ts'
import { cpuOf, inTurns, type Measured, ratios } from './rounds.ts'
import { Stand } from './stand.ts'
import { median, spread } from './statistics.ts'
import { type Cell, figure, heading, percent, report, table, time } from './table.ts'
import { jobs, nameOf, proxyTarget } from './targets.ts'
import { checkOut, type Worktree } from './worktrees.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { ...planOptions, rounds: { type: 'string', default: '5' } },
})
const [before, after] = positionals
if (before === undefined) throw new Error('Say which commit to compare with: npm run bench:compare -- COMMIT [COMMIT]')
const plan = planOf(values)
const trees: Worktree[] = []
// An interrupt ends the process without unwinding, and a worktree that is left stays registered with git.
process.on('exit', () => {
  for (const tree of trees) tree.remove()
})

// First, since it is what hears the interrupt.
const stand = await Stand.open()
try {
  trees.push(checkOut(before))
  if (after !== undefined) trees.push(checkOut(after))
  const [first, second] = [trees[0] as Worktree, trees[1]]
  const names = [first.commit, second?.commit ?? 'working tree'] as const
  const rows: Cell[][] = []
  for (const job of jobs) {
    const targets = [first, second].map((tree, at) =>
      proxyTarget(stand.upstream, job, { name: names[at] ?? '', ...(tree && { main: tree.main }) }),
    )
    const [one, other] = await inTurns(stand, targets, plan)
    if (!one || !other) throw new Error('both commits were not measured')
    rows.push(row(nameOf(job), one, other))
    console.error(rows.at(-1)?.join(' | '))
  }
  const head = ['job', `${names[0]}, CPU µs`, `${names[1]}, CPU µs`, 'ratio', 'its rounds', 'p99', 'MiB', 'failed']
  const title = heading(`${names[0]} and ${names[1]}`)
  report([title, describePlan(plan), table(head, rows)].join('\n\n'), values.record)
} finally {
  await stand.close()
}

function row(name: string, one: Measured, other: Measured): Cell[] {
  const each = ratios(other, one)
  const both = [one, other]
  const last = both.map(({ rounds }) => rounds.at(-1)?.rssBytes ?? Number.NaN)
  return [
    name,
    ...both.map(withSpread),
    median(each).toFixed(3),
    `${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)}`,
    both.map(({ rounds }) => time(median(rounds.map(({ p99Ms }) => p99Ms)))).join(' → '),
    last.map((bytes) => figure(Math.round(bytes / 2 ** 20))).join(' → '),
    both.map(({ rounds }) => rounds.reduce((sum, { failed }) => sum + failed, 0)).join(', '),
  ]
}

function withSpread(measured: Measured): string {
  return `${figure(Math.round(cpuOf(measured)))} ± ${percent(spread(measured.rounds.map(({ cpuUs }) => cpuUs)))}`
}
