import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'

/** Before anything was started here: above 0, others had a part of the machine, and latencies mean little. */
const loadBefore = loadavg()[0] ?? Number.NaN

export type Cell = string | number

/** A table as Markdown has it. A figure that could not be measured is a dash. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(write).join(' | ')} |`).join('\n')
}

/** Three digits that mean something are more than a shared machine gives. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '–'
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`
}

/** A time in milliseconds, written in the unit that suits it. */
export function time(ms: number): string {
  if (Number.isNaN(ms)) return '–'
  return ms < 1 ? `${figure(ms * 1000)} µs` : ms < 1000 ? `${figure(ms)} ms` : `${figure(ms / 1000)} s`
}

export function commitOf(revision: string): string {
  return git('rev-parse', '--short', revision)
}

/** Where and when figures were made; a dirty tree is said to be one, since its commit does not tell what was measured. */
export function heading(title: string, now = new Date()): string {
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'package-lock.json') !== ''
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}) with load ${loadBefore.toFixed(1)} before`
  const commit = `${commitOf('HEAD')}${changed ? ' with changes' : ''}`
  return `## ${title}: ${now.toISOString().slice(0, 10)}, ${commit}, Node ${process.versions.node}, ${machine}`
}

/** Prints a section and, when asked to, appends it to RESULTS.md. */
export function report(section: string, record: boolean): void {
  console.log(section)
  if (record) appendFileSync(new URL('RESULTS.md', import.meta.url), `\n${section}\n`)
}

function write(cell: Cell): string {
  // A bar would begin another cell.
  return (typeof cell === 'number' ? figure(cell) : cell).replaceAll('|', '\\|')
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', cwd: new URL('..', import.meta.url) }).trim()
}
