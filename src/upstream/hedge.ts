import type { Clock } from '../clock.ts'
import type { Lease } from './balancer.ts'
import { type Call, LOST_HEDGE } from './call.ts'
import type { Failure } from './classify.ts'
import type { Ended, Run } from './order.ts'

export interface HedgeParts<Made extends Call> {
  readonly clock: Clock
  /** Milliseconds without a first event after which a second upstream is asked. */
  readonly afterMs: number
  readonly signal: AbortSignal
  readonly first: Lease
  start(
    lease: Lease,
    signal: AbortSignal,
    onFirstEvent: () => void,
  ): { run: Run<Made>; end: Promise<Failure | undefined> }
  /** A place at another upstream, or undefined when there is none to be had. */
  second(): Lease | undefined
}

/**
 * Runs a try and, while it has not begun to answer after a while, a second one beside it; whichever has its first
 * event first goes on alone (Dean and Barroso, The Tail at Scale, 2013).
 */
export async function hedge<Made extends Call>(parts: HedgeParts<Made>): Promise<Ended<Made>> {
  const racers: Racer<Made>[] = []
  const enter = (lease: Lease): Racer<Made> => {
    const racer = new Racer<Made>()
    racers.push(racer)
    racer.start(parts, lease, () => dropOthers(racers, racer))
    return racer
  }
  const first = enter(parts.first)
  const second = laterRacer(parts, first, enter)
  const ended = await first.ended
  second.cancel()
  const other = second.racer()
  if (!other || first.leads) return ended
  if (ended.failure && (other.leads || ended.failure.retryable)) return other.ended
  // An answer without a single event, such as an empty list, or a refusal that the other could only repeat.
  other.drop()
  return ended
}

/** Enters a second racer when the first is late. */
function laterRacer<Made extends Call>(
  { clock, afterMs, second }: HedgeParts<Made>,
  first: Racer<Made>,
  enter: (lease: Lease) => Racer<Made>,
): { cancel(): void; racer(): Racer<Made> | undefined } {
  let racer: Racer<Made> | undefined
  const cancel = clock.after(afterMs, () => {
    if (first.leads) return
    const lease = second()
    if (lease) racer = enter(lease)
  })
  return { cancel, racer: () => racer }
}

function dropOthers<Made extends Call>(racers: Racer<Made>[], winner: Racer<Made>): void {
  for (const racer of racers) if (racer !== winner) racer.drop()
}

/** One of two tries at the same request. */
class Racer<Made extends Call> {
  /** It has had its first event. */
  leads = false
  ended!: Promise<Ended<Made>>
  private readonly controller = new AbortController()

  start({ signal, start }: HedgeParts<Made>, lease: Lease, onLead: () => void): void {
    const onAbort = () => this.controller.abort(signal.reason)
    // A signal tells only once: that of a client which has left before this try says nothing any more.
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    const { run, end } = start(lease, this.controller.signal, () => {
      this.leads = true
      onLead()
    })
    this.ended = end.then((failure) => {
      signal.removeEventListener('abort', onAbort)
      return { ...run, failure }
    })
  }

  drop(): void {
    if (this.leads) return
    this.controller.abort(LOST_HEDGE)
  }
}
