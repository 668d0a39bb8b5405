import { type ExpositionFormat, write } from './exposition.ts'
import type { Family, Sample, SampleExemplar, Snapshot } from './snapshot.ts'

/** Several workers' values of one line on their way to becoming one. */
interface Line {
  readonly sample: Sample
  value: number
  workers: number
  exemplar: SampleExemplar | null | undefined
}

interface Merging {
  readonly family: Family
  readonly lines: Map<string, Line>
}

const combine: Readonly<Record<string, (line: Line, value: number) => number>> = {
  sum: (line, value) => line.value + value,
  first: (line) => line.value,
  min: (line, value) => Math.min(line.value, value),
  max: (line, value) => Math.max(line.value, value),
  average: (line, value) => line.value + (value - line.value) / line.workers,
}

/**
 * The metrics of a cluster, held by the primary.
 *
 * A worker that dies takes its counters with it; were they simply missing from the next sum, every total would fall,
 * and `rate()` would show a burst that never was. So what a worker had last reported stays in `retained`.
 */
export class ClusterMetrics {
  private readonly latest = new Map<string, Snapshot>()
  private readonly forgotten = new Set<string>()
  private retained: Snapshot = []

  /** Replaces what is known of a worker. One that does not answer keeps its last snapshot. */
  take(workerId: string, snapshot: Snapshot): void {
    // An answer that was under way when its worker died would be counted twice, here and in `retained`.
    if (!this.forgotten.has(workerId)) this.latest.set(workerId, snapshot)
  }

  /**
   * Call when the worker's process has ended: its totals are kept, its gauges are dropped.
   * @param workerId never used again: the process that replaces this one has another.
   */
  forget(workerId: string): void {
    this.forgotten.add(workerId)
    const last = this.latest.get(workerId)
    if (last === undefined) return
    this.latest.delete(workerId)
    this.retained = merge([this.retained, last.filter(({ type }) => type !== 'gauge')])
  }

  /** All workers' metrics as one, as a scraper reads them. */
  text(format: ExpositionFormat): { body: string; contentType: string } {
    return write(merge([this.retained, ...this.latest.values()]), format)
  }
}

/** Adds up snapshots by each metric's own aggregator; of two exemplars in one bucket the newer stays. */
export function merge(snapshots: readonly Snapshot[]): Snapshot {
  const families = new Map<string, Merging>()
  for (const snapshot of snapshots) {
    for (const family of snapshot) {
      // prom-client's word for what means nothing when added up, such as the time of a process's start.
      if (family.aggregator === 'omit') continue
      const known = families.get(family.name)
      const merging = known ?? { family, lines: new Map() }
      if (known === undefined) families.set(family.name, merging)
      add(merging, family.values)
    }
  }
  return [...families.values()].map(({ family, lines }) => ({
    ...family,
    values: Array.from(lines.values(), ({ sample, value, exemplar }) => ({ ...sample, value, exemplar })),
  }))
}

function add({ family, lines }: Merging, samples: readonly Sample[]): void {
  const combined = combine[family.aggregator]
  if (combined === undefined) throw new TypeError(`The metric ${family.name} has an unknown aggregator`)
  for (const sample of samples) {
    const key = lineKey(sample)
    const line = lines.get(key)
    if (line === undefined) {
      lines.set(key, { sample, value: sample.value, workers: 1, exemplar: sample.exemplar })
      continue
    }
    line.workers += 1
    line.value = combined(line, sample.value)
    line.exemplar = newer(line.exemplar, sample.exemplar)
  }
}

/** Two workers' lines are the same when name and labels are, in whatever order the labels were written. */
function lineKey({ metricName = '', labels }: Sample): string {
  const pairs = Object.entries(labels)
  // Without the sort a line could appear twice, and Prometheus refuses the whole scrape.
  if (pairs.length > 1) pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  let key = metricName
  for (const [name, value] of pairs) key += `\n${name}\t${value}`
  return key
}

function newer(a: SampleExemplar | null | undefined, b: SampleExemplar | null | undefined) {
  return !a || (b && b.timestamp > a.timestamp) ? b : a
}
