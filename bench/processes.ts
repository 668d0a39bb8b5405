import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of one clock tick of /proc: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000
const PAGE_BYTES = 4096

export const mainThread = 'main'

export interface Cost {
  /** CPU time so far, microseconds. */
  cpuUs: number
  rssBytes: number
}

/** What a process and all its children have used. */
export function costOf(pid: number): Cost {
  const stats = readAll()
  const cost: Cost = { cpuUs: 0, rssBytes: 0 }
  const family = [pid]
  for (const member of family) {
    const stat = stats.get(member)
    if (!stat) continue
    cost.cpuUs += stat.ticks * TICK_US
    cost.rssBytes += stat.pages * PAGE_BYTES
    for (const [child, { parent }] of stats) if (parent === member) family.push(child)
  }
  return cost
}

/** The CPU time of a process's threads by their names, microseconds; V8's own threads compile and collect garbage. */
export function threadsOf(pid: number): Map<string, number> {
  const threads = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const own = readFileSync(`/proc/${pid}/task/${thread}/comm`, 'utf8').trim()
    const name = Number(thread) === pid ? mainThread : own
    const fields = statOf(`${pid}/task/${thread}`) ?? []
    const cpuUs = (Number(fields[11]) + Number(fields[12])) * TICK_US
    threads.set(name, (threads.get(name) ?? 0) + cpuUs)
  }
  return threads
}

/** The processes that this one has started and that still run. */
export function childrenOf(pid: number): number[] {
  return [...readAll()].filter(([, { parent }]) => parent === pid).map(([child]) => child)
}

/**
 * Memory of a process and its children, bytes, in which what several of them share (Node's own code above all) is
 * counted once: the sum of their resident sizes counts it for each.
 */
export function sharedOnce(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, member) => {
    const [, kib] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${member}/smaps_rollup`, 'utf8')) ?? []
    return sum + Number(kib) * 1024
  }, 0)
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the name in parentheses may hold spaces. */
function readAll(): Map<number, { parent: number; ticks: number; pages: number }> {
  const all = new Map<number, { parent: number; ticks: number; pages: number }>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const fields = statOf(entry)
    if (!fields) continue
    const [parent, user, system, pages] = [fields[1], fields[11], fields[12], fields[21]].map(Number)
    all.set(Number(entry), { parent: parent ?? 0, ticks: (user ?? 0) + (system ?? 0), pages: pages ?? 0 })
  }
  return all
}

function statOf(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    // It ended between the listing and the reading.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}
