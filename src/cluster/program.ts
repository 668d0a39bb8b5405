import { createServer } from 'node:net'
import { systemClock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Log } from '../telemetry/log.ts'
import { type Admin, createAdmin } from './admin.ts'
import type { Control } from './control.ts'
import type { Load } from './messages.ts'
import { onSignals, tellParentReady } from './signals.ts'
import { describeListenFailure, describeStartFailure, StartFailure } from './start-failure.ts'
import { logStats, type WorkerLoad } from './stats.ts'

/** The whole program, as a cluster or as one process. */
export interface Program extends Control {
  readonly settings: Settings
  readonly log: Log
  /** Resolves with the public port. Rejects with a StartFailure. */
  start(): Promise<number>
  /** Finishes what runs. */
  stop(): Promise<void>
  /** Ends other processes at once. */
  kill(): void
  /** Never rejects. */
  loads(): Promise<readonly WorkerLoad[]>
  gone(): Load
}

/**
 * Starts the program with its admin port, and lets signals control it from then on.
 * Rejects with a StartFailure that says all that hinders the start; nothing is left running then.
 */
export async function runProgram(program: Program): Promise<void> {
  const { settings, log } = program
  const admin = createAdmin({ control: program, log: log.logger, token: () => program.settings.adminToken })
  const adminPort = await listen(admin, settings)
  const port = await program.start().catch((error: unknown) => {
    admin.close()
    program.kill()
    throw error
  })
  const stopStats = logStats({
    intervalMs: settings.statsIntervalMs,
    clock: systemClock,
    log: log.logger,
    loads: () => program.loads(),
    gone: () => program.gone(),
  })
  onSignals({
    stop: (signal) => {
      log.logger.info({ signal }, 'stopping: what runs is finished')
      end(program, admin, stopStats)
    },
    stopNow() {
      program.kill()
      process.exit(1)
    },
    reload: () => reload(program),
  })
  log.logger.info({ host: settings.host, port, admin_port: adminPort, workers: settings.workers }, 'ready')
  tellParentReady()
}

function reload(program: Program): void {
  program.reload().catch((error: unknown) => program.log.logger.error({ err: error }, 'the reload failed'))
}

function end(program: Program, admin: Admin, stopStats: () => void): void {
  stopStats()
  const finish = (code: number) => {
    admin.close()
    program.log.logger.info('stopped')
    program.log.flush()
    process.exit(code)
  }
  program.stop().then(
    () => finish(0),
    (error: unknown) => {
      program.log.logger.error({ err: error }, 'the program did not stop as it should')
      finish(1)
    },
  )
}

async function listen(admin: Admin, settings: Settings): Promise<number> {
  const { adminPort, adminHost } = settings
  try {
    return await admin.listen(adminPort, adminHost)
  } catch (error) {
    const address = { port: adminPort, host: adminHost, portSetting: 'ADMIN_PORT', hostSetting: 'ADMIN_HOST' } as const
    const reasons = [describeListenFailure(error, address), await publicPortTrouble(settings)]
    throw new StartFailure(reasons.filter((reason) => reason !== undefined).join('\n'))
  }
}

/** Both ports are mostly taken by the same cause, an instance that runs already: then one report says both. */
function publicPortTrouble(settings: Settings): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => resolve(describeStartFailure(error, settings)))
    probe.listen({ port: settings.port, host: settings.host, exclusive: true }, () =>
      probe.close(() => resolve(undefined)),
    )
  })
}
