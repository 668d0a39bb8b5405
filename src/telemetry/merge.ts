import { Bounded } from './bounded.ts'
import { type ExpositionFormat, write } from './exposition.ts'
import type { Family, Sample, SampleExemplar, Snapshot } from './snapshot.ts'

/** The one label whose values clients invent. */
const MODEL = 'gen_ai_request_model'

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
  /** The same lines by their labels as they were written, which is found without sorting them. */
  readonly written: Map<string, Line>
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
  // Each worker bounds its own, and those that come and go would each bring others.
  private readonly models = new Bounded([])

  /** Models that keep their own label. */
  know(models: Iterable<string>): void {
    this.models.know(models)
  }

  /** Replaces what is known of a worker. One that does not answer keeps its last snapshot. */
  take(workerId: string, snapshot: Snapshot): void {
    // An answer that was under way when its worker died would be counted twice, here and in `retained`.
    if (!this.forgotten.has(workerId)) this.latest.set(workerId, this.bounded(snapshot))
  }

  /** Replaces what is known of some of a worker's metrics. */
  takeSome(workerId: string, families: Snapshot): void {
    const names = new Set(families.map(({ name }) => name))
    const others = (this.latest.get(workerId) ?? []).filter(({ name }) => !names.has(name))
    this.take(workerId, [...others, ...families])
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

  private bounded(snapshot: Snapshot): Snapshot {
    return snapshot.map((family) => {
      // A family's lines have the same labels, all of them.
      if (family.values[0]?.labels[MODEL] === undefined) return family
      return { ...family, values: family.values.map((sample) => this.withinBounds(sample)) }
    })
  }

  private withinBounds(sample: Sample): Sample {
    const model = String(sample.labels[MODEL])
    const label = this.models.label(model)
    return label === model ? sample : { ...sample, labels: { ...sample.labels, [MODEL]: label } }
  }

  /** All workers' metrics as one. */
  merged(): Snapshot {
    return merge([this.retained, ...this.latest.values()])
  }

  /** The same as a scraper reads them. */
  text(format: ExpositionFormat): { body: string; contentType: string } {
    return write(this.merged(), format)
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
      const merging = known ?? { family, lines: new Map(), written: new Map() }
      if (known === undefined) families.set(family.name, merging)
      add(merging, family.values)
    }
  }
  return [...families.values()].map(({ family, lines }) => ({
    ...family,
    values: Array.from(lines.values(), ({ sample, value, exemplar }) => ({ ...sample, value, exemplar })),
  }))
}

function add(merging: Merging, samples: readonly Sample[]): void {
  const { family, written } = merging
  const combined = combine[family.aggregator]
  if (combined === undefined) throw new TypeError(`The metric ${family.name} has an unknown aggregator`)
  for (const sample of samples) {
    const key = keyOf(sample.metricName, Object.entries(sample.labels))
    const line = written.get(key) ?? findLine(merging, sample)
    if (line === undefined) {
      newLine(merging, sample, key)
      continue
    }
    written.set(key, line)
    line.workers += 1
    line.value = combined(line, sample.value)
    line.exemplar = newer(line.exemplar, sample.exemplar)
  }
}

/** Two lines are the same when name and labels are, in whatever order: Prometheus refuses a scrape with one twice. */
function findLine({ lines }: Merging, sample: Sample): Line | undefined {
  return lines.get(sortedKey(sample))
}

function newLine({ lines, written }: Merging, sample: Sample, key: string): void {
  const line = { sample, value: sample.value, workers: 1, exemplar: sample.exemplar }
  lines.set(sortedKey(sample), line)
  written.set(key, line)
}

function sortedKey({ metricName, labels }: Sample): string {
  return keyOf(
    metricName,
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function keyOf(metricName: string | undefined, labels: readonly (readonly [string, string | number])[]): string {
  let key = metricName ?? ''
  for (const [name, value] of labels) key += `\n${name}\t${value}`
  return key
}

function newer(a: SampleExemplar | null | undefined, b: SampleExemplar | null | undefined) {
  return !a || (b && b.timestamp > a.timestamp) ? b : a
}
