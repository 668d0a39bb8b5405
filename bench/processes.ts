import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of one clock tick of /proc: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000
const PAGE_BYTES = 4096

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
