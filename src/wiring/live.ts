import type { Facts } from '../facts.ts'
import type { FailureView, RequestView } from '../page/frame.ts'
import type { UpstreamStatus } from '../upstream/balancer.ts'
import type { Parts } from './parts.ts'
import { longestModel } from './recent.ts'

/** What one worker's app tells the live page, fit for IPC. */
export interface AppLive {
  readonly upstreams: readonly UpstreamStatus[]
  readonly requests: readonly RequestView[]
  readonly failures: readonly FailureView[]
}

/** Reads, when it is asked and not before, what the requests under way and the upstreams are like. */
export function liveOf({ balancer, failures }: Parts, underWay: readonly Facts[], now: number): AppLive {
  return {
    upstreams: balancer.status(),
    requests: underWay.map((facts) => requestView(facts, now)),
    failures: failures.list(),
  }
}

function requestView(facts: Facts, now: number): RequestView {
  const last = facts.attempts.at(-1)
  const { firstEventAt } = last ?? {}
  return {
    id: facts.requestId,
    route: facts.route,
    mode: facts.mode,
    model: facts.model?.slice(0, longestModel),
    upstream: last?.upstream,
    attempts: facts.attempts.length,
    ageMs: now - facts.startedAt,
    firstEventMs: firstEventAt === undefined ? undefined : firstEventAt - facts.startedAt,
    events: last?.events ?? 0,
    bytes: last?.bytes ?? 0,
  }
}
