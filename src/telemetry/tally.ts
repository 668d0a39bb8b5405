import { Children } from './children.ts'
import type { CounterRow, HistogramRow } from './metric-table.ts'
import type { Family, Sample, SampleExemplar, Snapshot } from './snapshot.ts'

/** One value for each label of a row, in the row's order. */
export type Values<Labels extends readonly string[]> = { [Index in keyof Labels]: string }

/** The trace that an observation belongs to, when that trace is sampled. */
export interface Exemplar {
  readonly trace_id: string
  readonly span_id: string
}

export type Count<Labels extends readonly string[]> = (amount: number, ...values: Values<Labels>) => void
export type Observe<Labels extends readonly string[]> = (
  seconds: number,
  exemplar: Exemplar | undefined,
  ...values: Values<Labels>
) => void

interface Series {
  /** Observations by bucket, each for itself; the last holds what is beyond all bounds. */
  readonly counts: Float64Array
  sum: number
  /** The newest of each bucket; absent until there is one. */
  exemplars: (SampleExemplar | undefined)[] | undefined
}

/**
 * What is counted and timed with every request. prom-client's counters and histograms make a label set into a string,
 * and a bucket's bound into a property name, at each observation: with some twenty observations a request that was
 * a twelfth of the whole proxy's CPU time. Here an observation is a look at a few labels and an addition; the lines that
 * prom-client would give are made when somebody scrapes. See docs/decisions/0013-own-tallies.md.
 */
export class Tallies {
  private readonly families: (() => Family)[] = []

  /** Makes the row's counter; the function returned adds to it. */
  counter<const Labels extends readonly string[]>(row: CounterRow<Labels>): Count<Labels> {
    const children = new Children(row.labels, () => ({ total: 0 }))
    this.families.push(() => ({
      ...familyOf(row, 'counter'),
      values: children.map((labels, { total }) => [{ labels, value: total }]),
    }))
    return (amount, ...values) => {
      children.of(values).total += amount
    }
  }

  /** Makes the row's histogram; the function returned observes seconds, with the trace beside them when there is one. */
  histogram<const Labels extends readonly string[]>(row: HistogramRow<Labels>): Observe<Labels> {
    const { name, labels, buckets, exemplars } = row
    const children = new Children<Series>(labels, () => ({
      counts: new Float64Array(buckets.length + 1),
      sum: 0,
      exemplars: undefined,
    }))
    this.families.push(() => ({
      ...familyOf(row, 'histogram'),
      values: children.map((labels, series) => linesOf(name, buckets, labels, series)),
    }))
    return (seconds, exemplar, ...values) => {
      const series = children.of(values)
      const bucket = bucketOf(buckets, seconds)
      series.counts[bucket]! += 1
      series.sum += seconds
      if (exemplar === undefined || !exemplars) return
      series.exemplars ??= []
      series.exemplars[bucket] = { labelSet: { ...exemplar }, value: seconds, timestamp: Date.now() / 1000 }
    }
  }

  /** All of it as it is now. */
  snapshot(): Snapshot {
    return this.families.map((read) => read())
  }
}

function familyOf({ name, help }: CounterRow | HistogramRow, type: 'counter' | 'histogram') {
  return { name, help, type, aggregator: 'sum' }
}

/** A bound belongs to its bucket: `le` is less or equal. */
function bucketOf(bounds: readonly number[], value: number): number {
  let at = 0
  while (at < bounds.length && value > bounds[at]!) at++
  return at
}

/** Each bucket's line counts all below it as well, as the exposition format wants it. */
function linesOf(
  name: string,
  bounds: readonly number[],
  labels: Readonly<Record<string, string>>,
  { counts, sum, exemplars }: Series,
): Sample[] {
  const lines: Sample[] = []
  let count = 0
  for (let at = 0; at < counts.length; at++) {
    count += counts[at]!
    const le = bounds[at] ?? '+Inf'
    lines.push({ labels: { le, ...labels }, value: count, metricName: `${name}_bucket`, exemplar: exemplars?.[at] })
  }
  lines.push({ labels, value: sum, metricName: `${name}_sum` }, { labels, value: count, metricName: `${name}_count` })
  return lines
}
