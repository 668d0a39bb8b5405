import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What a process opens anyway, and the connections that many streams share. */
const besides = 400

/**
 * How many of these streams the limit on open files lets one process hold. Raises the limit first, for this process and all
 * that it starts, where the system lets it; says so where not. Node itself raises the soft limit to the hard one.
 * @param perStream how many files a stream takes in a worker
 */
export function streamsWithinLimit(wanted: number, perStream: number, say: (sentence: string) => void): number {
  const needed = wanted * perStream + besides
  const most = hardLimit()
  if (needed <= most) return wanted
  const raised = spawnSync('prlimit', ['--pid', String(process.pid), `--nofile=${needed}:${needed}`]).status === 0
  if (raised) return wanted
  const possible = Math.floor((most - besides) / perStream)
  say(
    `A process may have ${most} files open here, and this user may not raise that (ulimit -Hn, or LimitNOFILE= of systemd). ` +
      `${wanted} streams would take ${needed} in one worker, so there will be ${possible}.`,
  )
  return possible
}

function hardLimit(): number {
  const [, most] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return most === 'unlimited' ? Number.POSITIVE_INFINITY : Number(most)
}
