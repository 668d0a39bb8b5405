import type { Clock } from '../clock.ts'
import { errorTable } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { FailureView } from '../page/frame.ts'

/** A client may write a model of any length. */
export const longestModel = 128

/**
 * The last failures of one worker, for the live page. Those that clients have to mend are kept apart: a stranger who asks
 * for nothing but paths that do not exist would otherwise push out the one that the operator is looking for.
 */
export class RecentFailures {
  private readonly room: number
  private readonly clock: Clock
  private readonly clients: FailureView[] = []
  private readonly others: FailureView[] = []

  /** @param room how many of each kind are kept. */
  constructor(room: number, clock: Clock) {
    this.room = room
    this.clock = clock
  }

  /** Takes what became of a request, once, when its response has closed. Requests that went well leave nothing. */
  note(facts: Facts, trace: string | undefined): void {
    // A stream that broke off had its status, 200, long before.
    if (facts.code === undefined && facts.status < 400) return
    if (facts.route.startsWith('/health')) return
    const ring = isClients(facts) ? this.clients : this.others
    ring.push(viewOf(facts, trace, this.clock))
    if (ring.length > this.room) ring.shift()
  }

  /** Newest first. */
  list(): FailureView[] {
    return [...this.clients, ...this.others].sort((a, b) => b.at - a.at)
  }
}

function isClients({ code, status }: Facts): boolean {
  return code === undefined ? status < 500 : errorTable[code].blame === 'client'
}

function viewOf(facts: Facts, trace: string | undefined, clock: Clock): FailureView {
  const last = facts.attempts.at(-1)
  return {
    at: clock.wall(),
    id: facts.requestId,
    trace,
    status: facts.status,
    code: facts.code ?? last?.outcome ?? 'unknown',
    route: facts.route,
    model: facts.model?.slice(0, longestModel),
    upstream: last?.upstream,
    durationMs: clock.now() - facts.startedAt,
  }
}
