import { context, type Span, SpanKind, trace } from '@opentelemetry/api'
import type { Clock } from '../clock.ts'
import type { AttemptFacts, Facts } from '../facts.ts'
import { callAttributes, errorType, factAttributes, firstEventOf, phaseOf, type Try } from './genai.ts'
import { markFailed, tracer } from './instrument.ts'
import { isSampled } from './server-span.ts'
import { attemptEvents } from './span-table.ts'

interface Open {
  readonly span: Span
  /** What turns the clock's time, which the facts have, into the wall's, which a span wants. */
  readonly wallOffset: number
}

// Ended by `endAttempts`, when the request is over: only then do the facts know the tokens and whether another
// try followed. Keyed by the facts, so that a request that is never reported takes its spans along.
const open = new WeakMap<AttemptFacts, Open>()

/**
 * One try at an upstream in a client span that is active meanwhile, so that the upstream's own HTTP span nests in it.
 * Returns a function of the same type: who calls it does not know. A try that is not sampled is called as it is.
 * @param describe says what the span names; called only when the request is sampled
 */
export function traced<Upstream, Call, Result>(
  clock: Clock,
  attempt: (upstream: Upstream, call: Call, facts: AttemptFacts) => Promise<Result>,
  describe: (upstream: Upstream, call: Call) => Try,
): (upstream: Upstream, call: Call, facts: AttemptFacts) => Promise<Result> {
  return (upstream, call, facts) => {
    const active = context.active()
    if (!isSampled(active)) return attempt(upstream, call, facts)
    const wallOffset = clock.wall() - clock.now()
    const described = describe(upstream, call)
    const span = tracer.startSpan(
      spanName(described),
      {
        kind: SpanKind.CLIENT,
        startTime: facts.startedAt + wallOffset,
        attributes: callAttributes(described),
      },
      active,
    )
    open.set(facts, { span, wallOffset })
    return context.with(trace.setSpan(active, span), attempt, undefined, upstream, call, facts)
  }
}

// Every store of traces indexes the names of spans, and a client may write any model it likes.
function spanName({ operation, model }: Try): string {
  return model === undefined ? operation : `${operation} ${model.slice(0, 128)}`
}

/** Ends the spans of a request's tries, with what the facts know by now and at the times at which they really ended. */
export function endAttempts(facts: Facts): void {
  for (const attempt of facts.attempts) {
    const opened = open.get(attempt)
    if (opened === undefined) continue
    open.delete(attempt)
    endAttempt(facts, attempt, opened)
  }
}

function endAttempt(facts: Facts, attempt: AttemptFacts, { span, wallOffset }: Open): void {
  const { endedAt, outcome } = attempt
  const firstEventAt = firstEventOf(facts, attempt)
  const end = endedAt === undefined ? undefined : endedAt + wallOffset
  if (firstEventAt !== undefined) span.addEvent(attemptEvents.firstEvent.name, firstEventAt + wallOffset)
  if (attempt.retried) span.addEvent(attemptEvents.retry.name, { reason: outcome, phase: phaseOf(attempt) }, end)
  span.setAttributes(factAttributes(facts, attempt))
  const failure = errorType(attempt)
  if (failure !== undefined) markFailed(span, failure)
  span.end(end)
}
