import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'

/** The layers of waiting for one answer, in milliseconds. */
export interface Patience {
  /** From the dispatch to the first event with data. */
  readonly firstEventMs: number
  /** Between two events with data. */
  readonly idleMs: number
  /** The clock's time at which the request as a whole is over. */
  readonly deadlineAt: number
}

export type TimeoutKind = 'first_event_timeout' | 'idle_timeout' | 'total_timeout'

const messages: Readonly<Record<TimeoutKind | 'connect_timeout', string>> = {
  connect_timeout: 'The upstream did not accept a connection in time.',
  first_event_timeout: 'The upstream did not begin to answer in time.',
  idle_timeout: 'The upstream began to answer and then fell silent.',
  total_timeout: 'The answer took longer than a request may take in all.',
}

export function timeoutError(kind: keyof typeof messages, cause?: Error): ProxyError {
  return new ProxyError('upstream_timeout', { message: messages[kind], cause })
}

/**
 * Ends a try that waits in vain. One alarm for all layers, set again only when it goes off: an event merely notes the
 * time, since arming a timer for each of thousands of events would cost more than folding them.
 */
export class Watchdog {
  private readonly clock: Clock
  private readonly patience: Patience
  private readonly onTimeout: (kind: TimeoutKind, isPaused: boolean) => void
  private readonly startedAt: number
  private lastEventAt: number | undefined
  private paused = false
  private cancel: (() => void) | undefined

  /** @param onTimeout told what was late, and whether that was while the client, not the upstream, was slow */
  constructor(clock: Clock, patience: Patience, onTimeout: (kind: TimeoutKind, isPaused: boolean) => void) {
    this.clock = clock
    this.patience = patience
    this.onTimeout = onTimeout
    this.startedAt = clock.now()
    // Not later than the first silence may be over, so that the first event need not set it anew.
    this.arm(Math.min(this.next().at, this.startedAt + patience.idleMs))
  }

  /** Notes an event with data. */
  feed(): void {
    this.lastEventAt = this.clock.now()
  }

  /** While the client is slow, the upstream is not to blame for silence; the total time runs on. */
  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    if (this.lastEventAt !== undefined) this.lastEventAt = this.clock.now()
  }

  stop(): void {
    this.cancel?.()
    this.cancel = undefined
  }

  private arm(at: number): void {
    this.cancel = this.clock.after(Math.max(1, at - this.clock.now()), this.check)
  }

  private readonly check = () => {
    const { at, kind } = this.next()
    if (this.clock.now() < at) this.arm(at)
    else this.onTimeout(kind, this.paused)
  }

  private next(): { at: number; kind: TimeoutKind } {
    const total = { at: this.patience.deadlineAt, kind: 'total_timeout' as const }
    const silence =
      this.lastEventAt === undefined
        ? { at: this.startedAt + this.patience.firstEventMs, kind: 'first_event_timeout' as const }
        : {
            at: (this.paused ? this.clock.now() : this.lastEventAt) + this.patience.idleMs,
            kind: 'idle_timeout' as const,
          }
    return silence.at < total.at ? silence : total
  }
}
