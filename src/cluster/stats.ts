import type { Clock } from '../clock.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Load } from './messages.ts'

/** One worker in the log line. */
export interface WorkerLoad extends Load {
  readonly worker: string
  readonly pid: number
}

export interface StatsParts {
  /** 0 = off. */
  readonly intervalMs: number
  readonly clock: Clock
  readonly log: Logger
  /** Must not reject; a worker that does not answer appears with what it last said. */
  loads(): Promise<readonly WorkerLoad[]>
  /** What workers that have ended had counted. */
  gone(): Pick<Load, 'requests' | 'errors'>
}

export const none: Load = { requests: 0, errors: 0, inFlight: 0, rss: 0, heapUsed: 0 }

/** Writes one line at each interval: every worker, and all together. Returns what ends it. */
export function logStats({ intervalMs, clock, log, loads, gone }: StatsParts): () => void {
  if (intervalMs === 0) return () => {}
  let stopped = false
  let cancel = clock.after(intervalMs, write)
  async function write(): Promise<void> {
    const workers = await loads()
    if (stopped) return
    const all = workers.reduce<Load>(add, add(ownMemory(workers), { ...none, ...gone() }))
    log.info({ all: readable(all), workers: workers.map(readable) }, 'stats')
    cancel = clock.after(intervalMs, write)
  }
  return () => {
    stopped = true
    cancel()
  }
}

/** Adds up loads; totals since the start of each. */
export function add(sum: Load, load: Load): Load {
  return {
    requests: sum.requests + load.requests,
    errors: sum.errors + load.errors,
    inFlight: sum.inFlight + load.inFlight,
    rss: sum.rss + load.rss,
    heapUsed: sum.heapUsed + load.heapUsed,
  }
}

/** The primary's memory is part of what this program takes from the machine, unless it is the worker itself. */
function ownMemory(workers: readonly WorkerLoad[]): Load {
  if (workers.some(({ pid }) => pid === process.pid)) return none
  const { rss, heapUsed } = process.memoryUsage()
  return { ...none, rss, heapUsed }
}

function readable<Some extends Load>({ rss, heapUsed, inFlight, ...rest }: Some) {
  return { ...rest, in_flight: inFlight, rss_mb: megabytes(rss), heap_mb: megabytes(heapUsed) }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2)
}
