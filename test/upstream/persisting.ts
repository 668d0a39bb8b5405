import { ProxyError } from '../../src/errors.ts'
import { type AttemptFacts, newFacts, type Outcome } from '../../src/facts.ts'
import { type Balancer, createBalancer } from '../../src/upstream/balancer.ts'
import { RetryBudget } from '../../src/upstream/budget.ts'
import type { Call } from '../../src/upstream/call.ts'
import { type Failure, toFailure } from '../../src/upstream/classify.ts'
import type { Consumer } from '../../src/upstream/consumer.ts'
import type { Order } from '../../src/upstream/order.ts'
import { Persist, type PersistParts } from '../../src/upstream/persist.ts'
import { Upstream } from '../../src/upstream/upstream.ts'
import { MovedClock } from '../support/clock.ts'

/** A try that is under way, for the test to end. */
export interface Trying {
  readonly upstream: string
  readonly call: Call
  end(outcome: Outcome): void
}

/** Persist over upstreams whose tries end as the test says. */
export class Trial {
  readonly clock = new MovedClock()
  readonly tries: Trying[] = []
  readonly facts = newFacts('id', 0, 'POST', '/v1/chat/completions')
  readonly leaving = new AbortController()
  readonly balancer: Balancer
  readonly persist: Persist
  committed = false
  /** Whether the next refusal is only about what the proxy had added. */
  adapts = false
  /** Upstreams that answered once it was left out. */
  readonly adapted: string[] = []
  private wake = Promise.withResolvers<void>()

  constructor(names: readonly string[], parts: Partial<PersistParts> = {}) {
    const { clock } = this
    const breaker = { windowMs: 30_000, minRequests: 3, failureRate: 0.5, openMs: 1000 }
    const pool = { connectTimeoutMs: 1000, allowH2: false, connectionTtlMs: 1000, proxy: {} }
    const upstreams = names.map(
      (name, priority) =>
        new Upstream(
          { name, url: 'http://127.0.0.1:1/v1', weight: 1, priority },
          { clock, breaker, pool, onTransition: () => {} },
        ),
    )
    this.balancer = createBalancer({ upstreams, strategy: 'round-robin', clock, random: () => 0 })
    const attempt: PersistParts['attempt'] = (upstream, call, facts) => this.attempt(upstream, call, facts)
    const budget = new RetryBudget(1, clock)
    const defaults = {
      balancer: this.balancer,
      attempt,
      budget,
      clock,
      random: () => 0.5,
      maxAttempts: 3,
      hedgeAfterMs: 0,
    }
    this.persist = new Persist({ ...defaults, ...parts })
  }

  run(deadlineAt = 100_000) {
    return this.persist.run(this.order(deadlineAt))
  }

  /** The next try that no earlier call has returned; waits for it if need be. */
  async next(count: number): Promise<Trying> {
    while (this.tries.length < count) await this.wake.promise
    return this.tries[count - 1] as Trying
  }

  get inFlight(): number {
    return this.balancer.status().reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  private attempt(upstream: Upstream, call: Call, facts: AttemptFacts): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      const end = (outcome: Outcome) => {
        if (facts.outcome !== undefined) return
        facts.outcome = outcome
        facts.endedAt = this.clock.now()
        resolve(outcome === 'ok' ? undefined : toFailure(errorOf(upstream.name, outcome), outcome, false))
      }
      const leave = () => end(call.signal.reason === 'lost_hedge' ? 'lost_hedge' : 'aborted')
      if (call.signal.aborted) leave()
      else call.signal.addEventListener('abort', leave)
      this.tries.push({ upstream: upstream.name, call, end })
      this.wake.resolve()
      this.wake = Promise.withResolvers()
    })
  }

  private order(deadlineAt: number): Order<Call> {
    const { facts } = this
    return {
      facts,
      signal: this.leaving.signal,
      deadlineAt,
      model: undefined,
      hashKey: undefined,
      adapts: () => {
        const { adapts } = this
        this.adapts = false
        return adapts
      },
      adapted: ({ name }) => this.adapted.push(name),
      prepare: (_upstream, model, signal) => ({
        request: facts,
        model,
        method: 'POST',
        path: '/',
        headers: {},
        clientKey: false,
        passKeys: true,
        body: '{}',
        consumer: this.consumer(),
        patience: { firstEventMs: 1000, idleMs: 1000, deadlineAt },
        signal,
        explain: () => new ProxyError('upstream_error'),
      }),
    }
  }

  private consumer(): Consumer {
    const { committed } = this
    return { events: 0, committed, whole: false, begin: () => {}, push: () => {}, end: () => {}, destroy: () => {} }
  }
}

/** Tells in its message whose failure it is. */
function errorOf(upstream: string, outcome: Outcome): ProxyError {
  return new ProxyError('upstream_error', { message: `${upstream} ${outcome}` })
}
