import { context, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Clock } from '../clock.ts'
import { toProxyError } from '../errors.ts'
import type { Stage } from '../facts.ts'
import type { Metrics } from './metrics.ts'
import { inServerSpan, isSampled } from './server-span.ts'
import { type StageName, stageAttributes, stageTable } from './span-table.ts'

/** A tracer by name only; it makes nothing until the SDK has been started, and real spans afterwards. */
export const tracer = trace.getTracer('openai-proxy')

/** How a stage ended; anything but `ok` is said by the one stage where the error arose. */
export type StageOutcome = 'ok' | 'rejected' | 'failed' | 'aborted'

interface Gauges {
  readonly metrics: Pick<Metrics, 'stageDuration'>
  readonly clock: Clock
}

export interface Instruments {
  /**
   * The stage with its span (inclusive) and the metric of its own time (less what it waited in `next`).
   * The span of the stage `trace` is the server span, which ends only when the response has closed.
   */
  stage(name: StageName, inner: Stage): Stage
  /** The same for a synchronous part of the work, such as `fold`, that is no stage of the stack. */
  traceSync<Args extends unknown[], Result>(
    name: StageName,
    inner: (...args: Args) => Result,
  ): (...args: Args) => Result
}

// Errors whose stage has been found: on their way up through the stages above they mark nothing any more.
const claimed = new WeakSet<object>()

/**
 * The wrappers with which `app.ts` makes stages visible; what they wrap does not know of it.
 * A request that is not sampled gets no spans: it pays for looks at the clock and one observation a stage.
 */
export function createInstruments(gauges: Gauges): Instruments {
  return {
    stage(name, inner) {
      const wrapped = wrapStage(gauges, name, inner)
      return stageTable[name].span === 'server' ? (ctx, next) => inServerSpan(ctx, () => wrapped(ctx, next)) : wrapped
    },
    traceSync: (name, inner) => wrapSync(gauges, name, inner),
  }
}

function wrapStage(gauges: Gauges, name: StageName, inner: Stage): Stage {
  const seen = withSpan(gauges, name, inner)
  const unseen = withoutSpan(gauges, name, inner)
  return (ctx, next) => (ctx.state.sampled ? seen(ctx, next) : unseen(ctx, next))
}

function withSpan(gauges: Gauges, name: StageName, inner: Stage): Stage {
  const { clock } = gauges
  return async (ctx, next) => {
    const { state } = ctx
    const before = state.stagesMs ?? 0
    const span = openSpan(name)
    const from = clock.now()
    let outcome: StageOutcome = 'ok'
    try {
      if (span === undefined) await inner(ctx, next)
      else await context.with(trace.setSpan(context.active(), span), inner, undefined, ctx, next)
    } catch (thrown) {
      outcome = claim(thrown, span)
      throw thrown
    } finally {
      const total = clock.now() - from
      // What has been added since is what the stages below took, and not this one's own.
      const below = (state.stagesMs ?? 0) - before
      state.stagesMs = before + total
      close(gauges, name, outcome, total - below, span)
    }
  }
}

/**
 * Nearly all requests. A stage that returns what `next` has returned has nothing to do behind the stages below: its time
 * is known when it calls them, and nothing of it is held for as long as the answer takes.
 */
function withoutSpan(gauges: Gauges, name: StageName, inner: Stage): Stage {
  const { clock } = gauges
  return (ctx, next) => {
    const { state } = ctx
    const from = clock.now()
    let sum = state.stagesMs ?? 0
    /** Of this stage's own time, how much is in the sum already. */
    let counted = 0
    let below: Promise<void> | undefined
    const goOn = () => {
      counted = clock.now() - from
      // Before those below begin, which take the sum that they find for others' time.
      sum += counted
      state.stagesMs = sum
      below = next()
      return below
    }
    const end = (outcome: StageOutcome) => {
      const own = clock.now() - from - ((state.stagesMs ?? sum) - sum)
      state.stagesMs = (state.stagesMs ?? sum) + own - counted
      close(gauges, name, outcome, own, undefined)
    }
    const fail = (thrown: unknown) => {
      end(claim(thrown, undefined))
      throw thrown
    }
    let running: Promise<void>
    try {
      running = inner(ctx, goOn)
    } catch (thrown) {
      return fail(thrown)
    }
    if (running !== below) return running.then(() => end('ok'), fail)
    close(gauges, name, 'ok', counted, undefined)
    return running
  }
}

function wrapSync<Args extends unknown[], Result>(
  gauges: Gauges,
  name: StageName,
  inner: (...args: Args) => Result,
): (...args: Args) => Result {
  const { clock } = gauges
  return (...args) => {
    const span = isSampled(context.active()) ? openSpan(name) : undefined
    const from = clock.now()
    let outcome: StageOutcome = 'ok'
    try {
      return inner(...args)
    } catch (thrown) {
      outcome = claim(thrown, span)
      throw thrown
    } finally {
      close(gauges, name, outcome, clock.now() - from, span)
    }
  }
}

function close({ metrics }: Gauges, name: StageName, outcome: StageOutcome, ms: number, span: Span | undefined): void {
  metrics.stageDuration(ms / 1000, undefined, name, outcome)
  span?.end()
}

/** The outcome of a stage that threw, and the mark on its span, if the error arose in it and not below. */
function claim(thrown: unknown, span: Span | undefined): StageOutcome {
  if (typeof thrown === 'object' && thrown !== null) {
    if (claimed.has(thrown)) return 'ok'
    claimed.add(thrown)
  }
  const { code, blame } = toProxyError(thrown)
  if (code === 'client_closed_request') return 'aborted'
  markFailed(span, code)
  return blame === 'client' ? 'rejected' : 'failed'
}

/** Marks a span as failed by a code. Never by a message: that may hold what an upstream or a client wrote. */
export function markFailed(span: Span | undefined, code: string): void {
  span?.setAttribute(stageAttributes.error.name, code)
  span?.setStatus({ code: SpanStatusCode.ERROR })
}

function openSpan(name: StageName): Span | undefined {
  return stageTable[name].span === 'own' ? tracer.startSpan(name) : undefined
}
