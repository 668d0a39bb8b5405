import type { ExpositionFormat } from '../telemetry/exposition.ts'
import type { LogLevel } from '../telemetry/log.ts'
import type { Snapshot } from '../telemetry/snapshot.ts'
import type { Question, WorkerLive } from './messages.ts'

/** One worker as the live page shows it. */
export interface WorkerLook {
  readonly worker: string
  readonly pid: number
  readonly state: string
  /** Seconds. */
  readonly uptime: number
  /** Absent while it starts, or when it does not answer. */
  readonly live: WorkerLive | undefined
}

/** The whole program at one moment. */
export interface Look {
  readonly workers: readonly WorkerLook[]
  /** All workers' metrics, those that have ended included. */
  readonly metrics: Snapshot
}

/** What the admin port can make the program do, whether it is a cluster or one process. */
export interface Control {
  /** The metrics of all workers as one. */
  metrics(format: ExpositionFormat): Promise<{ body: string; contentType: string }>
  status(): Promise<object>
  /** Never rejects. */
  look(): Promise<Look>
  /** Resolves with why the new configuration was refused; with nothing when it is in effect. */
  reload(): Promise<string[]>
  setLevel(level: LogLevel): void
  /** The names that `ask` takes: slots. */
  workers(): readonly string[]
  /** Rejects when the worker cannot answer in time (milliseconds). */
  ask(worker: string, question: Question, timeoutMs: number): Promise<unknown>
}
