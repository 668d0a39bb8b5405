import { mkdtemp, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeHeapSnapshot } from 'node:v8'
import type { Clock } from '../clock.ts'

/**
 * Writes what is on the heap into a file of its own folder and resolves with its path; whoever reads it removes the
 * folder. Blocks this process meanwhile, and the file holds prompts and keys.
 */
export async function heapSnapshot(): Promise<string> {
  return writeHeapSnapshot(join(await privateFolder(), 'worker.heapsnapshot'))
}

let profiling = false

/**
 * Samples where this process spends its CPU for some seconds, and resolves with the path of the profile, as above.
 * Rejects while another profile is being taken: the inspector has only one profiler.
 */
export async function cpuProfile(seconds: number, clock: Clock): Promise<string> {
  if (profiling) throw new Error('This worker is being profiled already. Try again when that has ended.')
  profiling = true
  const session = new Session()
  try {
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await new Promise<void>((resolve) => clock.after(seconds * 1000, resolve))
    const { profile } = await session.post('Profiler.stop')
    const path = join(await privateFolder(), 'worker.cpuprofile')
    await writeFile(path, JSON.stringify(profile), { mode: 0o600 })
    return path
  } finally {
    session.disconnect()
    profiling = false
  }
}

/** Made with mode 0700, so that no other user of the machine can read what is put in. */
function privateFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'openai-proxy-'))
}
