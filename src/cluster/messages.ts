import type { Settings } from '../config/settings.ts'
import type { LogLevel } from '../telemetry/log.ts'
import type { AppLive } from '../wiring/live.ts'
import type { BreakerMessage } from '../wiring/surroundings.ts'

/** What a worker is doing, for the log line of `stats.ts`, `GET /status` and the heap's watch. */
export interface Load {
  /** Since the worker started. */
  requests: number
  /** Of these, answered with a status of 500 or more. */
  errors: number
  inFlight: number
  /** Bytes. */
  rss: number
  heapUsed: number
}

/** What the live page shows of a worker. */
export interface WorkerLive {
  readonly load: Load
  /** Share of the time since it was last asked for this, 0 to 1, in which its event loop had something to do. */
  readonly busy: number
  readonly app: AppLive
}

/** What the primary can ask of a worker. */
export type Question =
  | { readonly what: 'snapshot' }
  /** What requests have been counted as; nothing that begins anew when it is read. */
  | { readonly what: 'totals' }
  | { readonly what: 'load' }
  | { readonly what: 'status' }
  | { readonly what: 'live' }
  | { readonly what: 'heap-snapshot' }
  | { readonly what: 'cpu-profile'; readonly seconds: number }

/** What a worker needs to begin; sent instead of an environment, which other users of the machine may read. */
export interface Start {
  readonly kind: 'start'
  readonly slot: string
  readonly settings: Settings
  /** What the admin port has set since; a worker that comes later logs like the others. */
  readonly logLevel: LogLevel
  /** Breakers that are open elsewhere. */
  readonly breakers: readonly BreakerMessage[]
}

export type ToWorker =
  | Start
  /** For at most `timeoutMs`, after which the primary would kill: a reload may have changed what the worker began with. */
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  /** The answer to `last`: nothing that the primary sent before is still on its way. */
  | { readonly kind: 'end' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'log-level'; readonly level: LogLevel }
  | BreakerMessage

export type FromWorker =
  /** Its code is loaded; only now can it hear. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'listening'; readonly port: number }
  /** It cannot start, and ends. `reason` is fit to be shown to the operator. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It was told to end by somebody else than the primary, and drains. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'overweight'; readonly heapUsed: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'no-answer'; readonly id: number; readonly reason: string }
  /** Drained: what it had counted, so that it is not lost. It ends when it has been told to. */
  | { readonly kind: 'last'; readonly snapshot: unknown; readonly load: Load }
  | { readonly kind: 'ended' }
  | BreakerMessage

/**
 * Messages travel in an envelope: the channel between primary and worker is shared with the rate limiter's counters,
 * and theirs must not be taken for ours.
 */
export interface Envelope<Message> {
  readonly openaiProxy: Message
}

export function isEnvelope<Message>(received: unknown): received is Envelope<Message> {
  return typeof received === 'object' && received !== null && 'openaiProxy' in received
}
