import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import { type AttemptFacts, newAttempt } from '../facts.ts'
import { endWait } from '../waiting.ts'
import type { Balancer, Lease } from './balancer.ts'
import type { RetryBudget } from './budget.ts'
import { type Attempt, type Call, endOf, LOST_HEDGE } from './call.ts'
import { type Failure, isUnanswered, verdictOf } from './classify.ts'
import { hedge } from './hedge.ts'
import type { Ended, Order, Run } from './order.ts'
import { Tried } from './tried.ts'
import type { Upstream } from './upstream.ts'

export interface PersistParts {
  readonly balancer: Balancer
  readonly attempt: Attempt
  readonly budget: RetryBudget
  readonly clock: Clock
  /** 0 ≤ random() < 1. */
  readonly random: () => number
  readonly maxAttempts: number
  /** 0 = never ask a second upstream while the first is only late. */
  readonly hedgeAfterMs: number
}

const BACKOFF_BASE_MS = 100
const BACKOFF_MAX_MS = 2000

/** Asks upstream after upstream until one answers, within attempts, budget and time. */
export class Persist {
  private readonly parts: PersistParts

  constructor(parts: PersistParts) {
    this.parts = parts
  }

  /** @throws ProxyError the last failure, when no further try is allowed or possible */
  async run<Made extends Call>(order: Order<Made>): Promise<Run<Made>> {
    const end = this.parts.budget.request()
    try {
      return await this.askAround(order)
    } finally {
      end()
    }
  }

  private async askAround<Made extends Call>(order: Order<Made>): Promise<Run<Made>> {
    const tried = new Tried<Upstream>()
    let last: Ended<Made> | undefined
    for (;;) {
      const lease = last?.failure ? await this.nextLease(order, tried, last.failure) : this.pick(order, tried)
      tried.add(lease.upstream)
      if (last) last.facts.retried = true
      order.facts.waitingSince = this.parts.clock.now()
      last = await this.once(order, lease, tried)
      endWait(order.facts)
      if (!last.failure) return last
      if (!this.mayGoOn(order, last, last.failure)) throw last.failure.error
    }
  }

  /** A place at the next upstream. Where only those are left that have failed already, it waits a little first. */
  private async nextLease<Made extends Call>(
    order: Order<Made>,
    tried: Tried<Upstream>,
    failure: Failure,
  ): Promise<Lease> {
    const lease = this.pick(order, tried, failure)
    if (!tried.has(lease.upstream)) return lease
    lease.judge('none')
    // Who was left for one that has failed now need not be waited for.
    if (tried.forgive()) return this.nextLease(order, tried, failure)
    await this.backOff(order)
    if (this.parts.clock.now() >= order.deadlineAt) throw failure.error
    return this.pick(order, tried, failure)
  }

  private pick<Made extends Call>(order: Order<Made>, tried: Tried<Upstream>, failure?: Failure): Lease {
    try {
      return this.parts.balancer.pick({ model: order.model, hashKey: order.hashKey, tried })
    } catch (error) {
      // The upstream's own words tell the client more than that nobody is left to ask.
      throw failure?.error ?? error
    }
  }

  /** One try, or two beside each other, and what is asked again at once. */
  private async once<Made extends Call>(
    order: Order<Made>,
    lease: Lease,
    tried: Tried<Upstream>,
  ): Promise<Ended<Made>> {
    const { hedgeAfterMs, clock, budget } = this.parts
    let ended: Ended<Made>
    if (hedgeAfterMs > 0) {
      ended = await hedge<Made>({
        clock,
        afterMs: hedgeAfterMs,
        signal: order.signal,
        start: (lease, signal, onFirstEvent) => {
          const { run, end } = this.start(order, lease, signal, onFirstEvent)
          end.then((failure) => {
            if (failure?.outcome === LOST_HEDGE) tried.lost(lease.upstream)
          })
          return { run, end }
        },
        first: lease,
        second: () => this.secondLease(order, tried, budget),
      })
      putLast(order.facts.attempts, ended.facts)
    } else {
      const { run, end } = this.start(order, lease, order.signal)
      ended = { ...run, failure: await end }
    }
    return ended.failure ? this.adapted(order, ended, ended.failure) : ended
  }

  /**
   * Asks the same upstream again when it refused only what the proxy had added; that is no retry of its failure. It may
   * refuse one thing after the other, but none twice.
   */
  private async adapted<Made extends Call>(
    order: Order<Made>,
    ended: Ended<Made>,
    failure: Failure,
  ): Promise<Ended<Made>> {
    const { call, lease } = ended
    if (!order.adapts(lease.upstream, failure, call)) return ended
    const again: Lease = { ...lease, upstream: lease.upstream, judge: lease.upstream.enter() }
    const { run, end } = this.start(order, again, order.signal)
    const next = { ...run, failure: await end }
    if (next.failure) return this.adapted(order, next, next.failure)
    order.adapted(lease.upstream)
    return next
  }

  private start<Made extends Call>(
    order: Order<Made>,
    lease: Lease,
    signal: AbortSignal,
    onFirstEvent?: () => void,
  ): { run: Run<Made>; end: Promise<Failure | undefined> } {
    const { upstream, model } = lease
    const facts = newAttempt(upstream.name, this.parts.clock.now())
    order.facts.attempts.push(facts)
    const call = order.prepare(upstream, model, signal, facts)
    call.onFirstEvent = () => {
      lease.judge('begun')
      onFirstEvent?.()
    }
    // What waits for the end must not hold the call: V8 would keep each until the next full collection.
    const { patience } = call
    const { startedAt } = order.facts
    const end = this.parts.attempt(upstream, call, facts).then((failure) => {
      lease.judge(verdictOf(facts.outcome ?? 'aborted', isUnanswered(facts, patience, startedAt)))
      return failure
    })
    return { run: { call, lease, facts }, end }
  }

  /** Another upstream for a hedge, if there is one and the budget allows it. */
  private secondLease<Made extends Call>(
    order: Order<Made>,
    tried: Tried<Upstream>,
    budget: RetryBudget,
  ): Lease | undefined {
    if (order.facts.attempts.length >= this.parts.maxAttempts) return undefined
    try {
      const lease = this.parts.balancer.pick({ model: order.model, hashKey: order.hashKey, tried })
      if (!tried.has(lease.upstream) && budget.tryRetry()) {
        tried.add(lease.upstream)
        return lease
      }
      lease.judge('none')
      return undefined
    } catch (error) {
      // Nobody else can be asked: the first try is left to run on alone.
      if (error instanceof ProxyError) return undefined
      throw error
    }
  }

  private mayGoOn<Made extends Call>(order: Order<Made>, { call }: Run<Made>, failure: Failure): boolean {
    return (
      failure.retryable &&
      !call.consumer.committed &&
      !order.signal.aborted &&
      order.facts.attempts.length < this.parts.maxAttempts &&
      this.parts.clock.now() < order.deadlineAt &&
      this.parts.budget.tryRetry()
    )
  }

  /** Full jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/). */
  private backOff<Made extends Call>({ facts, signal, deadlineAt }: Order<Made>): Promise<void> {
    const { clock, random } = this.parts
    const from = clock.now()
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** facts.attempts.length, deadlineAt - from)
    // A wait for an upstream as well; otherwise each outage of one would look like slowness of this proxy.
    const add = () => {
      facts.upstreamMs += clock.now() - from
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        cancel()
        add()
        reject(endOf(signal))
      }
      const cancel = clock.after(random() * ceiling, () => {
        signal.removeEventListener('abort', onAbort)
        add()
        resolve()
      })
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** Whoever reads the facts takes the last try for the one that counts; a try beside it may have begun later. */
function putLast(attempts: AttemptFacts[], last: AttemptFacts): void {
  attempts.push(...attempts.splice(attempts.indexOf(last), 1))
}
