import { createServer } from 'node:net'
import { systemClock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Log } from '../telemetry/log.ts'
import { type Admin, createAdmin } from './admin.ts'
import type { Control } from './control.ts'
import type { Load } from './messages.ts'
import { onSignals, type SignalHandlers, tellParentReady } from './signals.ts'
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
  /** Ends other processes at once, and lets go of what keeps this one alive. */
  kill(): void
  /** Never rejects. */
  loads(): Promise<readonly WorkerLoad[]>
  gone(): Load
}

/** Where the program listens, which the settings may leave to the system. */
export interface Ports {
  readonly port: number
  readonly adminPort: number
}

/**
 * Starts the program with its admin port, and calls `greet` when it serves; signals control it from the first moment.
 * Rejects with a StartFailure that says all that hinders the start; nothing is left running then.
 */
export async function runProgram(program: Program, greet: (ports: Ports) => void = () => {}): Promise<void> {
  const { settings, log } = program
  const admin = createAdmin({ control: program, log: log.logger, token: () => program.settings.adminToken })
  const ending = new AbortController()
  process.on('uncaughtException', (error) => crash(program, error))
  controlBySignals(program, admin, ending)
  const adminPort = await listen(admin, settings).catch((error: unknown) => {
    program.kill()
    throw error
  })
  const port = await program.start().catch((error: unknown) => {
    // Told to end while it was starting: not a failure, and whoever ends it is at work.
    if (ending.signal.aborted) return undefined
    admin.close()
    program.kill()
    throw error
  })
  if (port === undefined || ending.signal.aborted) return
  const stopStats = logStats({
    intervalMs: settings.statsIntervalMs,
    clock: systemClock,
    log: log.logger,
    loads: () => program.loads(),
    gone: () => program.gone(),
  })
  ending.signal.addEventListener('abort', stopStats)
  log.logger.info({ host: settings.host, port, admin_port: adminPort, workers: settings.workers }, 'ready')
  greet({ port, adminPort })
  tellParentReady()
}

function controlBySignals(program: Program, admin: Admin, ending: AbortController): void {
  const { logger } = program.log
  const handlers: SignalHandlers = {
    stop(signal) {
      logger.info({ signal }, 'stopping: what runs is finished')
      ending.abort()
      end(program, admin)
    },
    stopNow() {
      program.kill()
      process.exit(1)
    },
    reload() {
      program.reload().catch((error: unknown) => logger.error({ err: error }, 'the reload failed'))
    },
  }
  onSignals(handlers, systemClock)
}

/** Nothing can be trusted any more; systemd, PM2 or the container's restart policy starts the program anew. */
function crash(program: Program, error: unknown): never {
  program.log.logger.fatal({ err: error }, 'the program ends because of an error that nothing caught')
  program.log.flush()
  program.kill()
  process.exit(1)
}

function end(program: Program, admin: Admin): void {
  const finish = async (code: number) => {
    admin.close()
    program.log.logger.info('stopped')
    await program.log.settle()
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
