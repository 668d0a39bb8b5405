import type { Frame, Totals, UpstreamView } from './frame.ts'
import { between, observed, quantile } from './quantile.ts'

/** What happened between two frames; rates are per second, times are seconds. */
export interface Rates {
  readonly requests: number
  readonly ok: number
  readonly refused: number
  readonly failed: number
  /** Share of the requests that failed, 0 to 1; undefined when there were none. */
  readonly failedShare: number | undefined
  readonly median: number | undefined
  readonly p95: number | undefined
  readonly firstMedian: number | undefined
  readonly firstP95: number | undefined
  readonly overheadMedian: number | undefined
  readonly overheadP99: number | undefined
  readonly inputTokens: number
  readonly outputTokens: number
  readonly retries: number
}

/** The rates between an earlier frame and a later one of the same run of the program. */
export function ratesBetween(then: Frame, now: Frame): Rates {
  const seconds = secondsBetween(then, now)
  const change = (total: keyof Totals & NumberKey) => Math.max(0, now.totals[total] - then.totals[total])
  const ended = change('ok') + change('refused') + change('failed') + change('left')
  const duration = between(then.totals.duration, now.totals.duration)
  const firstEvent = between(then.totals.firstEvent, now.totals.firstEvent)
  const overhead = between(then.totals.overhead, now.totals.overhead)
  return {
    requests: ended / seconds,
    ok: change('ok') / seconds,
    refused: change('refused') / seconds,
    failed: change('failed') / seconds,
    failedShare: ended === 0 ? undefined : change('failed') / ended,
    median: quantile(duration, 0.5),
    p95: quantile(duration, 0.95),
    firstMedian: quantile(firstEvent, 0.5),
    firstP95: quantile(firstEvent, 0.95),
    overheadMedian: quantile(overhead, 0.5),
    overheadP99: quantile(overhead, 0.99),
    inputTokens: change('inputTokens') / seconds,
    outputTokens: change('outputTokens') / seconds,
    retries: change('retries') / seconds,
  }
}

type NumberKey = { [Key in keyof Totals]: Totals[Key] extends number ? Key : never }[keyof Totals]

/** What one upstream did between two frames. */
export interface UpstreamRates {
  readonly tries: number
  readonly failedShare: number | undefined
  readonly firstMedian: number | undefined
}

/** Undefined where the upstream was not there before, after a reload. */
export function upstreamRates(then: Frame, now: Frame, name: string): UpstreamRates | undefined {
  const named = (frame: Frame): UpstreamView | undefined => frame.upstreams.find((each) => each.name === name)
  const [before, after] = [named(then), named(now)]
  if (before === undefined || after === undefined) return undefined
  const tries = Math.max(0, after.tries - before.tries)
  const firstEvent = between(before.firstEvent, after.firstEvent)
  return {
    tries: tries / secondsBetween(then, now),
    failedShare: tries === 0 ? undefined : (after.failures - before.failures) / tries,
    firstMedian: observed(firstEvent) === 0 ? undefined : quantile(firstEvent, 0.5),
  }
}

/** Never 0, which would make infinite rates of frames that came in one burst. */
function secondsBetween(then: Frame, now: Frame): number {
  return Math.max(0.001, (now.at - then.at) / 1000)
}
