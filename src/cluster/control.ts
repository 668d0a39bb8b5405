import type { ExpositionFormat } from '../telemetry/exposition.ts'
import type { LogLevel } from '../telemetry/log.ts'
import type { Question } from './messages.ts'

/** What the admin port can make the program do, whether it is a cluster or one process. */
export interface Control {
  /** The metrics of all workers as one. */
  metrics(format: ExpositionFormat): Promise<{ body: string; contentType: string }>
  status(): Promise<object>
  /** Resolves with why the new configuration was refused; with nothing when it is in effect. */
  reload(): Promise<string[]>
  setLevel(level: LogLevel): void
  /** The names that `ask` takes: slots. */
  workers(): readonly string[]
  /** Rejects when the worker cannot answer in time (milliseconds). */
  ask(worker: string, question: Question, timeoutMs: number): Promise<unknown>
}
