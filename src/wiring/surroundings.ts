import type { Clock } from '../clock.ts'
import type { Counters } from '../limit/counters.ts'
import type { LoopUse } from '../overload/loop.ts'
import type { Logger } from '../telemetry/log.ts'
import type { BreakerState } from '../upstream/breaker.ts'

/** What the process around the app gives it. */
export interface Surroundings {
  readonly log: Logger
  readonly clock: Clock
  readonly useOfLoop: LoopUse
  /** Where `cluster` limits are counted without workers; the app's own memory where it need not outlive the app. */
  readonly counters?: Counters
  /** The worker's slot in the cluster. */
  readonly workerId: string
  readonly version: string
  /** Whether the tracing SDK runs in this process and writes its own context headers. */
  readonly traced: boolean
  /** Spans lost so far, by reason. */
  readonly spansDropped: () => Iterable<readonly [total: number, reason: string]>
  /** Tells the other workers. */
  readonly send: (message: BreakerMessage) => void
}

/** What one worker tells the others, so that a dead upstream is discovered once for a machine. */
export interface BreakerMessage {
  readonly kind: 'breaker'
  readonly upstream: string
  readonly state: BreakerState
  /** When an opening ends, epoch milliseconds. */
  readonly until: number
}
