import { performance } from 'node:perf_hooks'
import { collectDefaultMetrics } from 'prom-client'
import { metricTable } from './metric-table.ts'
import { gauge, type OpenMetricsRegistry } from './registry.ts'

// Gauges that call themselves totals: `promtool check metrics` refuses them, and `nodejs_active_resources`,
// `_handles` and `_requests` say the same by type.
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

// What is judged by a bound of one process. While a worker is replaced, two or more of them have its slot until the last
// stream has ended: added up their heaps would seem too large, and on average an event loop that lags would not.
const OF_ONE_PROCESS = /^nodejs_(?:heap_|external_|eventloop_lag_(?!min_))|^process_(?:open|max)_fds$/

/**
 * Adds what prom-client knows of a Node process (CPU, memory, heap, garbage collection, event loop delay, descriptors),
 * and the event loop's utilization, each with the label `worker`.
 * @param worker the worker's slot, not its process: a label that changed with every restart would grow without end.
 */
export function runtimeMetrics(registry: OpenMetricsRegistry, worker: string): void {
  collectDefaultMetrics({
    register: registry,
    labels: { worker },
    gcDurationBuckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  })
  for (const name of [...MISNAMED, metricTable.processStart.name]) registry.removeSingleMetric(name)
  for (const metric of registry.getMetricsAsArray()) {
    if (OF_ONE_PROCESS.test(metric.name)) metric.aggregator = 'max'
  }
  // prom-client's own would not come out of the cluster: it takes the times of all processes for one line.
  const started = Math.round(performance.timeOrigin / 1000)
  gauge(registry, metricTable.processStart, () => [[started, worker]])
  let last = performance.eventLoopUtilization()
  gauge(registry, metricTable.eventLoopUtilization, () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return [[utilization, worker]]
  })
}
