import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { ProxyError, toProxyError } from '../errors.ts'
import type { AttemptFacts, Headers, Outcome } from '../facts.ts'
import { type Attempt, type Call, LOST_HEDGE } from './call.ts'
import { type Failure, outcomeOf, outcomeOfStatus, toFailure } from './classify.ts'
import type { Consumer, Flow } from './consumer.ts'
import { Gather } from './gather.ts'
import { MAX_REST_MS, readReset } from './reset.ts'
import type { Upstream } from './upstream.ts'
import { type TimeoutKind, Watchdog } from './watchdog.ts'

/** An error body longer than this is not one that OpenAI's clients could read. */
const MAX_REFUSAL_BYTES = 256 * 1024

/** What an upstream may still send after a complete answer before its connection is given up instead of reused. */
const MAX_LEFTOVER_BYTES = 64 * 1024
const MAX_LEFTOVER_MS = 1000

export function createAttempt(clock: Clock): Attempt {
  return (upstream, call, facts) =>
    new Promise((resolve) => {
      new Try(upstream, call, facts, clock, resolve).start()
    })
}

/** Drives one dispatch: undici's callbacks on one side, the consumer and the time-outs on the other. */
class Try implements Dispatcher.DispatchHandler, Flow {
  private readonly upstream: Upstream
  private readonly call: Call
  private readonly facts: AttemptFacts
  private readonly clock: Clock
  private readonly resolve: (failure: Failure | undefined) => void
  private readonly watchdog: Watchdog
  private readonly onAbort = () => {
    const outcome = this.call.signal.reason === LOST_HEDGE ? LOST_HEDGE : 'aborted'
    this.failWith(new ProxyError('client_closed_request'), outcome)
  }
  private consumer: Consumer
  private controller: Dispatcher.DispatchController | undefined
  private headers: Headers = {}
  private refusal: Gather | undefined
  private settled = false
  private busyMs = 0
  private leftoverBytes = 0
  private stopLeftover: (() => void) | undefined

  constructor(
    upstream: Upstream,
    call: Call,
    facts: AttemptFacts,
    clock: Clock,
    resolve: (failure: Failure | undefined) => void,
  ) {
    this.upstream = upstream
    this.call = call
    this.consumer = call.consumer
    this.facts = facts
    this.clock = clock
    this.resolve = resolve
    this.watchdog = new Watchdog(clock, call.patience, (kind) => this.timeOut(kind))
  }

  start(): void {
    const { signal, method, path, headers, body } = this.call
    if (signal.aborted) {
      this.onAbort()
      return
    }
    signal.addEventListener('abort', this.onAbort)
    const { origin } = this.upstream.addresses
    this.upstream.dispatcher.dispatch({ origin, method, path, headers, body: body ?? null }, this)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    // It waited for a connection, and its client has left meanwhile: nothing must be sent any more.
    if (this.settled) controller.abort(new Error('no longer wanted'))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (this.settled || status < 200) return
    this.facts.status = status
    this.headers = headers
    if (status >= 300) {
      this.refusal = new Gather(MAX_REFUSAL_BYTES)
      this.consumer = this.refusal
    }
    this.work(() => this.consumer.begin({ status, headers }, this))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) {
      this.leftoverBytes += chunk.length
      if (this.leftoverBytes > MAX_LEFTOVER_BYTES) controller.abort(new Error('no longer wanted'))
      return
    }
    this.facts.bytes += chunk.length
    this.work(() => this.consumer.push(chunk))
  }

  onResponseEnd(): void {
    this.stopLeftover?.()
    if (!this.settled) this.work(() => this.consumer.end())
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.stopLeftover?.()
    if (this.settled) return
    if (this.facts.status === undefined) this.failWith(...connectFailure(error))
    else if (this.consumer.whole) this.work(() => this.consumer.end())
    else if (isGarbage(error)) this.fail(new ProxyError('upstream_invalid', { cause: error }))
    else this.fail(new ProxyError('upstream_truncated', { cause: error }))
  }

  pause(): void {
    this.controller?.pause()
    this.watchdog.pause()
  }

  resume(): void {
    if (this.settled) return
    this.controller?.resume()
    this.watchdog.resume()
  }

  done(): void {
    if (this.settled) return
    if (this.refusal) {
      this.refuse(this.refusal)
      return
    }
    this.settle('ok')
    this.stopLeftover = this.clock.after(MAX_LEFTOVER_MS, () => this.controller?.abort(new Error('no longer wanted')))
    this.resolve(undefined)
  }

  fail(error: ProxyError): void {
    const outcome = outcomeOf(error)
    if (outcome === 'rate_limited' && error.details.retryAfter !== undefined) {
      this.upstream.breaker.rest(Math.min(error.details.retryAfter * 1000, MAX_REST_MS))
    }
    this.failWith(error, outcome)
  }

  private refuse(refusal: Gather): void {
    const status = this.facts.status as number
    const outcome = outcomeOfStatus(status)
    const reset = readReset(this.headers, this.clock)
    if (outcome === 'rate_limited' && reset) this.upstream.breaker.rest(reset.restMs)
    const asked = outcome === 'rate_limited' || status === 503 ? reset?.askedMs : undefined
    const retryAfter = asked === undefined ? undefined : asked / 1000
    const body = refusal.body.toString()
    this.failWith(this.call.explain(status, body, retryAfter), outcome, body)
  }

  private timeOut(kind: TimeoutKind): void {
    // A stream that is whole but for [DONE] is an answer; it was merely never closed.
    if (this.consumer.whole) this.work(() => this.consumer.end())
    else this.failWith(new ProxyError('upstream_timeout', { message: timeoutMessages[kind] }), kind)
  }

  private failWith(error: ProxyError, outcome: Outcome, refusal?: string): void {
    if (this.settled) return
    const ownKey = this.upstream.config.key !== undefined
    if (outcome === 'unauthorized' && ownKey) this.upstream.breaker.trip('unauthorized')
    this.settle(outcome)
    this.controller?.abort(error)
    this.resolve(toFailure(error, outcome, ownKey, refusal))
  }

  private settle(outcome: Outcome): void {
    this.settled = true
    this.watchdog.stop()
    this.call.signal.removeEventListener('abort', this.onAbort)
    const now = this.clock.now()
    this.facts.outcome = outcome
    this.facts.endedAt = now
    this.facts.waitedMs = Math.max(0, now - this.facts.startedAt - this.busyMs)
    this.consumer.destroy()
  }

  /** Runs a consumer's part: what it throws is the answer's fault, and the time it takes is ours, not the upstream's. */
  private work(part: () => void): void {
    const before = this.clock.now()
    try {
      part()
    } catch (thrown) {
      this.fail(toProxyError(thrown))
    }
    const { events } = this.consumer
    if (events !== this.facts.events) this.noteEvents(events, before)
    this.busyMs += this.clock.now() - before
  }

  private noteEvents(events: number, now: number): void {
    if (this.facts.events === 0 && !this.refusal) {
      this.facts.firstEventAt = now
      this.upstream.latency.observe(now - this.facts.startedAt, now)
      this.call.onFirstEvent?.()
    }
    this.facts.events = events
    this.watchdog.feed()
  }
}

const timeoutMessages: Readonly<Record<TimeoutKind, string>> = {
  first_event_timeout: 'The upstream did not begin to answer in time.',
  idle_timeout: 'The upstream began to answer and then fell silent.',
  total_timeout: 'The answer took longer than a request may take in all.',
}

/** What it means when the connection failed before the upstream said anything. */
function connectFailure(error: Error): [ProxyError, Outcome] {
  const code = codeOf(error)
  // A forward proxy that takes the connection and never answers CONNECT shows as a header time-out.
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'ETIMEDOUT') {
    const message = 'The upstream did not accept a connection in time.'
    return [new ProxyError('upstream_timeout', { message, cause: error }), 'connect_timeout']
  }
  if (isGarbage(error)) return [new ProxyError('upstream_invalid', { cause: error }), 'invalid']
  return [new ProxyError('upstream_unreachable', { cause: error }), 'connect']
}

/** Bytes that are not HTTP: llhttp's own codes, and undici's for lengths that do not add up. */
function isGarbage(error: Error): boolean {
  const code = codeOf(error)
  return code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_RESPONSE'
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
