import type { Clock } from '../clock.ts'
import { CountWindow } from './window.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

/** Why a breaker changed its state. `told` means that another process found it out: such a change is not told on. */
export type TransitionReason =
  | 'failure_rate'
  | 'unauthorized'
  | 'open_time_over'
  | 'probe_succeeded'
  | 'probe_failed'
  | 'told'

/** What a request says about its upstream when it ends; `none` for a client that left, a 4xx, a lost hedge. */
export type Verdict = 'success' | 'failure' | 'none'

/** What is heard of a request: that its answer has begun, where it has, and how it ended. */
export type Word = 'begun' | Verdict

export interface Transition {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly why: TransitionReason
  /** When an opening ends, in epoch milliseconds, which other processes can read; 0 for the other states. */
  readonly until: number
}

export interface BreakerSettings {
  /** Length of the sliding window, ms. */
  readonly windowMs: number
  /** Fewer requests than this in the window prove nothing. */
  readonly minRequests: number
  /** Share of failures, 0 to 1, from which it opens. */
  readonly failureRate: number
  /**
   * Opens as well when nothing but failures has come for this long, ms, and `minRequests` of them, whatever the rate:
   * half a window of successes would have to be outvoted first, and for as long each retry costs. Absent: never.
   */
  readonly rowMs?: number | undefined
  /** How long the first opening lasts, ms. Each one that follows lasts twice as long, up to sixteen times this. */
  readonly openMs: number
  /** Half-open serves an active prober only, so that no user's request is the one to find out. */
  readonly probesReserved?: boolean
}

const MAX_DOUBLINGS = 4

/**
 * Decides whether one upstream is worth asking, from nothing but verdicts and time. Knows no HTTP and no metrics:
 * whoever wants to log, count or tell others listens to `onTransition`.
 */
export class Breaker {
  private readonly settings: BreakerSettings
  private readonly clock: Clock
  private readonly onTransition: (transition: Transition) => void
  private readonly counts: CountWindow
  private current: BreakerState = 'closed'
  private openUntil = 0
  private restUntil = Number.NEGATIVE_INFINITY
  private closedAt = Number.NEGATIVE_INFINITY
  private openings = 0
  /** Failures since the last success, and when the first of them was. */
  private row = 0
  private rowSince = 0
  private probing = false
  /** Grows with each transition, so that verdicts on an earlier state are known to be late. */
  private generation = 0

  constructor(settings: BreakerSettings, clock: Clock, onTransition: (transition: Transition) => void) {
    this.settings = settings
    this.clock = clock
    this.onTransition = onTransition
    this.counts = new CountWindow(settings.windowMs)
  }

  /** The state now; an opening whose time is over turns half-open here. */
  get state(): BreakerState {
    if (this.current === 'open' && this.clock.now() >= this.openUntil) this.move('half_open', 'open_time_over')
    return this.current
  }

  /** Asked to be left alone by the upstream (429), which is no failure. */
  get resting(): boolean {
    return this.clock.now() < this.restUntil
  }

  /** Whether a user's request may go there now. */
  usable(): boolean {
    return this.admits() && !(this.current === 'half_open' && this.probing)
  }

  /** Whether users' requests should come, if only for one of them to find out: half-open, no other could close it. */
  admits(): boolean {
    if (this.resting) return false
    const state = this.state
    return state === 'closed' || (state === 'half_open' && !this.settings.probesReserved)
  }

  /** Milliseconds until it can be usable at the earliest; 0 when it is, or when that hangs on a probe's verdict. */
  waitMs(): number {
    const opens = this.state === 'open' ? this.openUntil : Number.NEGATIVE_INFINITY
    return Math.max(0, Math.max(opens, this.restUntil) - this.clock.now())
  }

  /**
   * Notes that a request starts and returns the function that takes what is heard of it; only the first verdict counts.
   * Half-open, the first to enter is the probe. Who enters an open breaker is not heard.
   */
  enter(): (word: Word) => void {
    const state = this.state
    let probe = state === 'half_open' && !this.probing
    const heard = probe || state === 'closed'
    let generation = this.generation
    if (probe) this.probing = true
    let settled = !heard
    return (word) => {
      // A late verdict is about the upstream as it was before the last transition: it must neither close nor open.
      if (settled || generation !== this.generation) return
      if (word === 'begun') {
        if (!probe) return
        // The question is whether it answers, and a stream may last for minutes. Its end counts like any other's.
        this.judgeProbe('success')
        probe = false
        generation = this.generation
        return
      }
      settled = true
      if (probe) this.judgeProbe(word)
      else this.count(word)
    }
  }

  /** Leaves the upstream alone for `ms`, without opening and without a failure counted. A shorter rest changes nothing. */
  rest(ms: number): void {
    this.restUntil = Math.max(this.restUntil, this.clock.now() + ms)
  }

  /** Opens at once, whatever the counts say: asking again could only fail the same way. */
  trip(why: TransitionReason): void {
    if (this.state !== 'open') this.open(why)
  }

  /**
   * Adopts what another process found out. `until` is in epoch milliseconds, since monotonic clocks differ between
   * processes. An opening only ever lasts longer for it; a closing saves this process a probe of its own.
   */
  hear(news: { state: BreakerState; until: number }): void {
    if (news.state === 'closed' && this.state !== 'closed') this.close('told')
    if (news.state !== 'open') return
    const left = Math.min(news.until - this.clock.wall(), this.settings.openMs * 2 ** MAX_DOUBLINGS)
    if (left <= 0) return
    if (this.state === 'open') this.openUntil = Math.max(this.openUntil, this.clock.now() + left)
    else this.open('told', left)
  }

  private judgeProbe(verdict: Verdict): void {
    this.probing = false
    if (verdict === 'success') this.close('probe_succeeded')
    else if (verdict === 'failure') this.open('probe_failed')
  }

  private count(verdict: Verdict): void {
    if (verdict === 'none') return
    const now = this.clock.now()
    this.counts.add(now, 1, verdict === 'failure' ? 1 : 0)
    if (verdict === 'success') {
      this.row = 0
      return
    }
    if (this.row === 0) this.rowSince = now
    this.row++
    if (this.failsTooOften(now) || this.failsThroughout(now)) this.open('failure_rate')
  }

  private failsTooOften(now: number): boolean {
    const { first: requests, second: failures } = this.counts.sum(now)
    return requests >= this.settings.minRequests && failures / requests >= this.settings.failureRate
  }

  /** Within the window, like everything else: failures of an hour ago say nothing about now. */
  private failsThroughout(now: number): boolean {
    const { rowMs = Number.POSITIVE_INFINITY, minRequests, windowMs } = this.settings
    const lasted = now - this.rowSince
    return this.row >= minRequests && lasted >= rowMs && lasted <= windowMs
  }

  /** Lasts `ms` if another process says so, else twice as long as the opening before. */
  private open(why: TransitionReason, ms?: number): void {
    const now = this.clock.now()
    const recovered = this.current === 'closed' && now - this.closedAt >= this.settings.windowMs
    if (recovered) this.openings = 0
    this.openUntil = now + (ms ?? this.settings.openMs * 2 ** Math.min(this.openings, MAX_DOUBLINGS))
    this.openings++
    this.move('open', why)
  }

  private close(why: TransitionReason): void {
    this.closedAt = this.clock.now()
    // Failures from before the opening would open it again at the first new one.
    this.counts.clear()
    this.row = 0
    this.move('closed', why)
  }

  private move(to: BreakerState, why: TransitionReason): void {
    const from = this.current
    this.current = to
    this.probing = false
    this.generation++
    const until = to === 'open' ? this.clock.wall() + (this.openUntil - this.clock.now()) : 0
    this.onTransition({ from, to, why, until })
  }
}
