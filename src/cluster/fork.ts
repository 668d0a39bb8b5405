import cluster, { type Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../telemetry/log.ts'
import { giveBackConnections } from './handover.ts'
import { type Envelope, type FromWorker, isEnvelope, type ToWorker } from './messages.ts'

/** A worker's process, as the primary deals with it. */
export interface Child {
  readonly pid: number
  /** A message to a process that has just ended is lost, which its exit tells anyway. */
  tell(message: ToWorker): void
  kill(signal: NodeJS.Signals): void
}

export interface ChildEvents {
  message(message: FromWorker): void
  /** `how`: its exit code or signal. */
  exit(how: string): void
}

/** `slot`: the worker's place in the cluster. */
export type Fork = (events: ChildEvents, slot: string) => Child

export interface ForkParts {
  /** The module that calls `runWorker`. */
  readonly workerFile: URL
  /** Modules that must be loaded before it: what is to be traced has to be loaded after the tracing. */
  readonly imports: readonly URL[]
  readonly log: Logger
}

/** Forks by node:cluster, so that all workers answer on one port. */
export function clusterFork({ workerFile, imports, log }: ForkParts): Fork {
  cluster.setupPrimary({
    exec: fileURLToPath(workerFile),
    args: [],
    execArgv: [...process.execArgv, ...imports.flatMap(({ href }) => ['--import', href])],
  })
  return (events, slot) => {
    try {
      // By the environment, since the tracing is begun, and names its worker, before the first message can be heard.
      return childOf(cluster.fork({ OPENAI_PROXY_WORKER: slot }), events, log)
    } catch (error) {
      // Node throws for some of the reasons why there is no process, such as ENOMEM, and tells of others later.
      process.nextTick(() => events.exit(unborn(error)))
      return { pid: 0, tell() {}, kill() {} }
    }
  }
}

function childOf(worker: Worker, events: ChildEvents, log: Logger): Child {
  const { pid } = worker.process
  giveBackConnections(worker)
  worker.on('message', (received: unknown) => {
    if (isEnvelope<FromWorker>(received)) events.message(received.openaiProxy)
  })
  worker.once('exit', (code, signal) => events.exit(signal ?? `exit code ${code}`))
  let isSaid = pid !== undefined
  // Unheard, a failed fork or a message that came too late would end the primary, and all workers with it.
  worker.on('error', (error) => {
    if (isSaid) return log.warn({ err: error }, 'a message to a worker was lost')
    isSaid = true
    // What has never begun does not end either: whoever waits for that would wait for ever.
    events.exit(unborn(error))
    if (worker.isConnected()) worker.process.disconnect()
  })
  return {
    pid: pid ?? 0,
    tell(message) {
      const envelope: Envelope<ToWorker> = { openaiProxy: message }
      if (pid !== undefined && worker.isConnected()) worker.send(envelope)
    },
    kill: (signal) => worker.process.kill(signal),
  }
}

/** How a process ended that the system would not make: its program is gone or being replaced, or there are too many. */
function unborn(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : 'unknown reason'
  return `no process could be made, ${code}`
}
