import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from 'prom-client'
import type { CounterRow, GaugeRow, HistogramRow } from './metric-table.ts'

export type OpenMetricsRegistry = Registry<OpenMetricsContentType>

/** One value for each label of a row, in the row's order. */
type Values<Labels extends readonly string[]> = { [Index in keyof Labels]: string }

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

/** A registry of this process's own; prom-client's global one would be shared by every test in the process. */
export function openMetricsRegistry(): OpenMetricsRegistry {
  const registry = new Registry<OpenMetricsContentType>()
  // Must come before the first metric: prom-client refuses exemplars in a registry that cannot show them.
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  return registry
}

// Looked up by one joined string: making prom-client's label object and checking it for every
// observation costs more than the observation itself.
function remembered<Child>(make: (labels: Record<string, string>) => Child, names: readonly string[]) {
  const children = new Map<string, Child>()
  return (values: readonly string[]): Child => {
    const key = values.join('\n')
    let child = children.get(key)
    if (child === undefined) {
      child = make(Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])))
      children.set(key, child)
    }
    return child
  }
}

/** Makes the row's counter; the function returned adds to it. */
export function counter<const Labels extends readonly string[]>(
  registry: OpenMetricsRegistry,
  row: CounterRow<Labels>,
): Count<Labels> {
  const { name, help, labels } = row
  const metric = new Counter({ name, help, labelNames: labels, registers: [registry] })
  const child = remembered((values) => metric.labels(values), labels)
  return (amount, ...values) => child(values).inc(amount)
}

/** Makes the row's histogram; the function returned observes seconds, with the trace beside them when there is one. */
export function histogram<const Labels extends readonly string[]>(
  registry: OpenMetricsRegistry,
  row: HistogramRow<Labels>,
): Observe<Labels> {
  const { name, help, labels, buckets, exemplars } = row
  const metric = new Histogram({
    name,
    help,
    labelNames: labels,
    buckets: [...buckets],
    registers: [registry],
    enableExemplars: exemplars,
  })
  const child = remembered((values) => ({ labels: values, series: metric.labels(values) }), labels)
  return (seconds, exemplar, ...values) => {
    const { labels, series } = child(values)
    // The child's own observe leaves the exemplar alone, which is also the cheaper way.
    if (exemplar === undefined || !exemplars) series.observe(seconds)
    else metric.observe({ labels, value: seconds, exemplarLabels: { ...exemplar } })
  }
}

/** Makes the row's gauge; `read` gives its values, and is called only when the registry is read. */
export function gauge<const Labels extends readonly string[]>(
  registry: OpenMetricsRegistry,
  row: GaugeRow<Labels>,
  read: () => Iterable<readonly [value: number, ...values: Values<Labels>]>,
): void {
  const { name, help, labels, aggregator } = row
  new Gauge({
    name,
    help,
    labelNames: labels,
    aggregator,
    registers: [registry],
    collect() {
      // What is no longer read must go: an upstream taken out of the configuration would keep its last state for ever.
      this.reset()
      for (const [value, ...values] of read()) this.labels(...values).set(value)
    },
  })
}

/** Makes the row's counter of something that counts itself; `read` gives the totals when the registry is read. */
export function readCounter<const Labels extends readonly string[]>(
  registry: OpenMetricsRegistry,
  row: CounterRow<Labels>,
  read: () => Iterable<readonly [total: number, ...values: Values<Labels>]>,
): void {
  const { name, help, labels } = row
  new Counter({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset()
      for (const [total, ...values] of read()) this.labels(...values).inc(total)
    },
  })
}
