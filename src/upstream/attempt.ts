import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { ProxyError, toProxyError } from '../errors.ts'
import type { AttemptFacts, Headers, Outcome } from '../facts.ts'
import { BusyTime } from './busy.ts'
import { type Attempt, type AttemptParts, endOf, LOST_HEDGE } from './call.ts'
import { type Failure, isSilent, outcomeOf, toFailure } from './classify.ts'
import type { Consumer, Flow, Head } from './consumer.ts'
import { Gather } from './gather.ts'
import { isOperatorsKey } from './headers.ts'
import { Leftover, MAX_END_MS, soon } from './leftover.ts'
import { heedRefusedKey, MAX_REFUSAL_BYTES, MAX_REFUSAL_MS, readRefusal, rest, withoutKey } from './refusal.ts'
import { type TimeoutKind, timeoutError, Watchdog } from './watchdog.ts'

export function createAttempt(clock: Clock): Attempt {
  return (upstream, call, facts) =>
    new Promise((resolve) => {
      new Try({ upstream, call, facts, clock, resolve }).start()
    })
}

interface TryParts extends AttemptParts {
  readonly facts: AttemptFacts
  readonly resolve: (failure: Failure | undefined) => void
}

/** Drives one dispatch: undici's callbacks on one side, the consumer and the time-outs on the other. */
class Try implements Dispatcher.DispatchHandler, Flow {
  private readonly parts: TryParts
  private readonly facts: AttemptFacts
  private readonly watchdog: Watchdog
  private readonly onAbort = () => {
    const isLost = this.parts.call.signal.reason === LOST_HEDGE
    // Nothing is generated any more, unless another choice begins; what is to come says what it cost, for the limits.
    if (this.consumer.whole && !isLost) this.nearlyDone()
    else this.failWith(endOf(this.parts.call.signal), isLost ? LOST_HEDGE : 'aborted')
  }
  private consumer: Consumer
  private controller: Dispatcher.DispatchController | undefined
  private head: Head | undefined
  private refusal: Gather | undefined
  private stopWaiting: (() => void) | undefined
  private leftover: Leftover | undefined
  private ended = false
  private readonly busy: BusyTime

  constructor(parts: TryParts) {
    const { call, facts, clock } = parts
    this.parts = parts
    this.facts = facts
    this.consumer = call.consumer
    this.busy = new BusyTime(clock)
    this.watchdog = new Watchdog(clock, call.patience, (kind, isPaused) => this.timeOut(kind, isPaused))
  }

  start(): void {
    const { signal, method, path, headers, body } = this.parts.call
    if (signal.aborted) {
      this.onAbort()
      return
    }
    signal.addEventListener('abort', this.onAbort)
    const { dispatcher, addresses } = this.parts.upstream
    dispatcher.dispatch({ origin: addresses.origin, method, path, headers, body: body ?? null }, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    // It waited for a connection, and its client has left meanwhile: nothing must be sent any more.
    if (this.settled) this.hangUp()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (this.settled || status < 200) return
    this.facts.status = status
    this.head = { status, headers }
    if (status >= 300) {
      this.consumer = this.refusal = new Gather(MAX_REFUSAL_BYTES)
      this.stopWaiting = this.parts.clock.after(MAX_REFUSAL_MS, () => this.work(() => this.refuse()))
    }
    this.work(() => this.consumer.begin({ status, headers }, this))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) {
      this.leftover?.take(chunk)
    } else {
      this.facts.bytes += chunk.length
      this.work(() => this.consumer.push(chunk))
    }
  }

  onResponseEnd(): void {
    this.end()
    if (!this.settled) this.work(() => this.consumer.end(false))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.end()
    if (this.settled) return
    if (this.facts.status === undefined) this.failWith(...connectFailure(error))
    else if (this.consumer.whole) this.endCut()
    else if (isGarbage(error)) this.fail(new ProxyError('upstream_invalid', { cause: error }))
    else this.fail(new ProxyError('upstream_truncated', { cause: error }))
  }

  pause(): void {
    this.controller?.pause()
    this.watchdog.pause()
  }

  resume(): void {
    // First, since undici gives out at once what it holds, which may make the consumer pause again.
    this.watchdog.resume()
    this.controller?.resume()
  }

  nearlyDone(): void {
    if (!this.settled) this.stopWaiting ??= soon(() => this.parts.clock.after(MAX_END_MS, this.endCut))
  }

  done(): void {
    if (this.settled) return
    if (this.refusal) this.refuse()
    else this.succeed()
  }

  fail(error: ProxyError): void {
    if (this.settled) return
    // A refusal's status says all, however its body failed, unless it is `refuse` itself that has failed.
    if (this.refusal && error.code !== 'internal_error') this.refuse()
    else this.failAs(error)
  }

  /** Runs a consumer's part: what it throws is the answer's fault, and the time it takes is ours, not the upstream's. */
  work(part: () => void): void {
    const before = this.busy.start()
    try {
      part()
    } catch (thrown) {
      this.fail(toProxyError(thrown))
    }
    if (this.consumer.events !== this.facts.events) this.noteEvents(this.consumer.events, before)
    this.busy.stop()
  }

  private succeed(): void {
    this.settle('ok')
    this.parts.upstream.sparing.answered()
    if (!this.ended) {
      this.leftover = new Leftover(this.parts.clock, () => this.hangUp())
      // The client may have been slow to the last; what is left now must not wait for it.
      this.controller?.resume()
    }
    this.parts.resolve(undefined)
  }

  private failAs(error: ProxyError): void {
    const outcome = outcomeOf(error)
    if (outcome === 'rate_limited') rest(this.parts, error)
    this.failWith(withoutKey(error, this.parts.upstream), outcome)
  }

  private get settled(): boolean {
    return this.facts.outcome !== undefined
  }

  private end(): void {
    this.ended = true
    this.leftover?.end()
  }

  /** The status says that it is a refusal. What came of its body may be nothing, too much, or broken: that changes nothing. */
  private refuse(): void {
    if (this.settled) return
    const body = this.refusal?.text ?? ''
    const { error, outcome, restMs } = readRefusal(this.head as Head, body, this.parts)
    if (outcome === 'rate_limited') rest(this.parts, error, restMs)
    this.failWith(error, outcome, body)
  }

  private timeOut(kind: TimeoutKind, isPaused: boolean): void {
    if (this.refusal) this.work(() => this.refuse())
    // Whole but for [DONE] it is an answer, merely never closed; what a slow client does not take may keep it from its end.
    else if (this.consumer.whole) this.endCut()
    if (isPaused || !this.consumer.whole) this.failWith(timeoutError(kind), isPaused ? 'aborted' : kind)
  }

  private readonly endCut = () => this.work(() => this.consumer.end(true))

  private failWith(error: ProxyError, outcome: Outcome, refusal?: string): void {
    if (this.settled) return
    const ownKey = isOperatorsKey(this.parts)
    if (ownKey) heedRefusedKey(this.parts, error, outcome, refusal)
    this.settle(outcome)
    this.hangUp()
    this.parts.resolve(toFailure(error, outcome, ownKey, refusal))
  }

  private hangUp(): void {
    // By its name the tracing of undici knows that we ended the request.
    if (!this.ended) this.controller?.abort(new DOMException('no longer wanted', 'AbortError'))
  }

  private settle(outcome: Outcome): void {
    this.watchdog.stop()
    this.stopWaiting?.()
    this.parts.call.signal.removeEventListener('abort', this.onAbort)
    const now = this.parts.clock.now()
    this.facts.outcome = outcome
    this.facts.endedAt = now
    if (isSilent(this.facts)) this.parts.upstream.latency.outwaited(now - this.facts.startedAt, now)
    this.facts.waitedMs = Math.max(0, now - this.facts.startedAt - this.busy.upTo(now))
    this.consumer.destroy()
  }

  private noteEvents(events: number, now: number): void {
    const failed = this.settled && this.facts.outcome !== 'ok'
    // An error in the place of the first event is no beginning of an answer.
    if (this.facts.events === 0 && !this.refusal && !(failed && events === 1)) {
      this.facts.firstEventAt = now
      this.parts.upstream.latency.observe(now - this.facts.startedAt, now)
      if (!failed) this.parts.call.onFirstEvent?.()
    }
    this.facts.events = events
    this.watchdog.feed()
    if (this.stopWaiting && this.parts.call.signal.aborted && !this.consumer.whole) this.onAbort()
  }
}

/** What it means when the connection failed before the upstream said anything. */
function connectFailure(error: Error): [ProxyError, Outcome] {
  const code = codeOf(error)
  // A forward proxy that takes the connection and never answers CONNECT shows as a header time-out.
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT') {
    return [timeoutError('connect_timeout', error), 'connect_timeout']
  }
  if (isGarbage(error)) return [new ProxyError('upstream_invalid', { cause: error }), 'invalid']
  return [new ProxyError('upstream_unreachable', { cause: error }), 'connect']
}

/** What is not HTTP, or HTTP that nobody asked for: a 100 or 101, which undici calls a bad response or upgrade. */
function isGarbage(error: Error, code = codeOf(error)): boolean {
  if (code === 'UND_ERR_SOCKET') return error.message.startsWith('bad ')
  return error.name === 'HTTPParserError' || /^UND_ERR_(HEADERS_OVERFLOW|RES_CONTENT_LENGTH_MISMATCH)$/.test(code)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
