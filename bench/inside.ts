/**
 * Loaded into every process of a measured proxy with `--import`, next to `--expose-gc`: does what can only be done from
 * within, when a signal says that a question lies in the folder. Signals and files rather than a socket, because a
 * module of the network that was loaded before the tracing would not be traced, and cost less than it does in earnest.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'

const samplingUs = 250
const samplingBytes = 16 * 1024
const folder = process.env.BENCH_FOLDER ?? ''
const session = new Session()

const answers: Readonly<Record<string, () => Promise<object>>> = {
  /** The memory after a full collection; twice, since the first one only finds what has a finalizer. */
  async memory() {
    for (let times = 0; times < 2; times++) {
      globalThis.gc?.()
      await new Promise(setImmediate)
    }
    return process.memoryUsage()
  },
  async 'cpu-start'() {
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: samplingUs })
    await session.post('Profiler.start')
    return {}
  },
  async 'cpu-stop'() {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    return profile
  },
  /** Counts what was collected meanwhile as well: without it only leaks would show. */
  async 'allocations-start'() {
    session.connect()
    const all = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true }
    await session.post('HeapProfiler.startSampling', { samplingInterval: samplingBytes, ...all })
    return {}
  },
  async 'allocations-stop'() {
    const { profile } = await session.post('HeapProfiler.stopSampling')
    session.disconnect()
    return profile
  },
}

process.on('SIGUSR2', () => {
  const path = join(folder, String(process.pid))
  const answer = answers[readFileSync(`${path}.question`, 'utf8')]
  if (!answer) throw new Error('a question that nobody can answer')
  answer().then((result) => {
    writeFileSync(`${path}.half`, JSON.stringify(result))
    // Whole or not there.
    renameSync(`${path}.half`, `${path}.answer`)
  })
})
