import { type MetricRow, metricTable } from '../../src/telemetry/metric-table.ts'
import { openMetricsRegistry } from '../../src/telemetry/registry.ts'
import { runtimeMetrics } from '../../src/telemetry/runtime.ts'
import { readSnapshot } from '../../src/telemetry/snapshot.ts'

/** What Prometheus makes itself. */
const itsOwn = ['up', 'ALERTS']

/** Every series name that the proxy's metrics page can have, and Prometheus's own. */
export async function seriesNames(): Promise<ReadonlySet<string>> {
  const registry = openMetricsRegistry()
  runtimeMetrics(registry, '1')
  const runtime = readSnapshot(await registry.getMetricsAsJSON()).filter(({ aggregator }) => aggregator !== 'omit')
  const rows: readonly Pick<MetricRow, 'name' | 'type'>[] = Object.values(metricTable)
  const all = [...rows, ...runtime].flatMap(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name],
  )
  return new Set([...all, ...itsOwn])
}

/**
 * The series that an expression names. Reads as much of PromQL as is written here: what stands before a parenthesis is
 * a function, what stands in the parentheses of `by` and its like is a label.
 */
export function seriesIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/#.*$/gm, '')
    .replaceAll(/"(\\.|[^"\\])*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
  const words = bare.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)
  return [...new Set(Array.from(words, ([word]) => word))].filter((word) => !operators.has(word))
}

const operators = new Set(['and', 'or', 'unless', 'bool', 'offset'])
