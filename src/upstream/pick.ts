import { ProxyError } from '../errors.ts'
import type { Breaker } from './breaker.ts'
import type { Loaded } from './load.ts'
import { translateModel } from './models.ts'
import type { Sparing } from './sparing.ts'
import type { Draw, Strategy } from './strategy.ts'
import type { UpstreamConfig } from './upstream.ts'

/** What choosing needs to know of an upstream. */
export interface Candidate extends Loaded {
  readonly config: UpstreamConfig
  readonly breaker: Pick<Breaker, 'usable' | 'waitMs'>
  readonly sparing: Pick<Sparing, 'active'>
}

export interface PickRequest<T> {
  /** As the client wrote it; undefined where the route has none, and then every upstream will do. */
  readonly model: string | undefined
  /** Upstreams that this request has asked before. */
  readonly tried: Pick<ReadonlySet<T>, 'has'>
  /** What should keep going to the same upstream, for its prompt cache; only the `hash` strategy reads it. */
  readonly hashKey?: string | undefined
}

/**
 * Chooses where a request goes: of the upstreams that offer its model and can be used, those not tried yet, of these
 * the ones that need not be spared, of these the best priority, and among them whatever the strategy says. When every
 * usable one has been tried it returns one again, and the caller should wait a little before it asks.
 *
 * Throws `model_not_found` when no upstream offers the model, and `no_upstream` when none that does can be used now,
 * with the seconds until the first becomes usable.
 */
export function pick<T extends Candidate>(
  all: readonly T[],
  request: PickRequest<T>,
  strategy: Strategy,
  draw: Omit<Draw, 'hashKey'>,
): T {
  const offering = offeringModel(all, request.model)
  const usable = offering.filter(canTake)
  if (usable.length === 0) throw new ProxyError('no_upstream', { retryAfter: secondsUntilUsable(offering) })
  const fresh = usable.filter((candidate) => !request.tried.has(candidate))
  const tier = weighted(bestPriority(unspared(fresh.length > 0 ? fresh : usable)))
  if (tier.length === 1) return tier[0]!
  return strategy(tier, { ...draw, hashKey: request.hashKey })
}

function offeringModel<T extends Candidate>(all: readonly T[], model: string | undefined): readonly T[] {
  if (model === undefined) return all
  const offering = all.filter((candidate) => translateModel(candidate.config.models, model) !== undefined)
  if (offering.length === 0) throw new ProxyError('model_not_found', { param: 'model' })
  return offering
}

function canTake(candidate: Candidate): boolean {
  const most = candidate.config.limits?.concurrency ?? Number.POSITIVE_INFINITY
  return candidate.inFlight < most && candidate.breaker.usable()
}

/** 0 when one is only full or waits for its probe's verdict: that may end at any moment. */
function secondsUntilUsable(offering: readonly Candidate[]): number {
  return Math.min(...offering.map((candidate) => candidate.breaker.waitMs())) / 1000
}

function unspared<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const rested = candidates.filter(({ sparing }) => !sparing.active)
  return rested.length > 0 ? rested : candidates
}

function bestPriority<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const best = Math.min(...candidates.map((candidate) => candidate.config.priority))
  return candidates.filter((candidate) => candidate.config.priority === best)
}

/** Weight 0 means: only if nothing else can be asked. */
function weighted<T extends Candidate>(tier: readonly T[]): readonly T[] {
  const wanted = tier.filter((candidate) => candidate.config.weight > 0)
  return wanted.length > 0 ? wanted : tier
}
