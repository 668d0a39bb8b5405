import { Counter, Gauge, type OpenMetricsContentType, Registry } from 'prom-client'
import type { CounterRow, GaugeRow } from './metric-table.ts'
import type { Values } from './tally.ts'

export type OpenMetricsRegistry = Registry<OpenMetricsContentType>

/** A registry of this process's own; prom-client's global one would be shared by every test in the process. */
export function openMetricsRegistry(): OpenMetricsRegistry {
  const registry = new Registry<OpenMetricsContentType>()
  // Must come before the first metric: prom-client refuses exemplars in a registry that cannot show them.
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  return registry
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
