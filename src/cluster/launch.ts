import { extname } from 'node:path'
import type { Loaded } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { readVersion } from '../telemetry/version.ts'
import { banner } from './banner.ts'
import { Primary } from './primary.ts'
import { type Ports, runProgram } from './program.ts'

/** `.ts` when run from `src/`, `.js` from `dist/`; names of modules that are not imported are not rewritten by tsc. */
const extension = extname(import.meta.url)
const workerFile = new URL(`./worker-main${extension}`, import.meta.url)
const register = new URL(`../telemetry/register${extension}`, import.meta.url)

export interface LaunchOptions {
  /** Whether traces are exported, which only the environment says. */
  readonly traces: boolean
}

/** Starts the program. Rejects with a StartFailure when it cannot; `load` reads the settings anew, for a reload. */
export async function launch(settings: Settings, load: () => Loaded, { traces }: LaunchOptions): Promise<void> {
  const greet = (ports: Ports) => {
    if (isForPeople(settings)) console.log(banner({ settings, version: readVersion(), traces, ...ports }))
  }
  if (settings.workers > 0) {
    const { openLog } = await import('./service.ts')
    const log = await openLog(settings, 'primary')
    return runProgram(new Primary({ settings, log, load, workerFile, imports: [register] }), greet)
  }
  // Tracing first: what is loaded before it, such as the log by `service.ts`, is not instrumented.
  await import('../telemetry/register.ts')
  const [{ Single }, { createApp }] = await Promise.all([import('./single.ts'), import('../app.ts')])
  return runProgram(await Single.open(settings, load, createApp), greet)
}

/** Programs read the log from a file or a pipe, and JSON from a terminal too: nothing else may come between its lines. */
function isForPeople({ logFormat }: Settings): boolean {
  return process.stdout.isTTY === true && logFormat === 'pretty'
}
