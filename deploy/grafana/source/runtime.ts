import type { Page } from './page.ts'
import { figure, graph } from './panel.ts'
import { quantile, rate, series } from './query.ts'

const workers = 'worker!="primary"'
const each = '{{instance}} {{worker}}'
/** One line for each worker. */
const line = (name: string, matchers = '') => [{ expr: series(name, matchers), legend: each }]

const answer = [
  figure({
    title: 'Processes scraped',
    help: 'Processes whose metrics Prometheus can read, of those that it knows.',
    unit: 'percentunit',
    queries: [{ expr: `avg(${series('up')})` }],
  }),
  figure({
    title: 'Workers',
    help: 'Worker processes that live.',
    unit: 'short',
    queries: [{ expr: `count(${series('nodejs_eventloop_utilization_ratio', workers)})` }],
  }),
  figure({
    title: 'Deaths, last hour',
    help: 'Workers that died and were replaced in the last hour; each ended the requests that it had.',
    unit: 'short',
    queries: [{ expr: `round(sum(increase(${series('proxy_worker_restarts_total')}[1h])))` }],
    limits: [1, 3],
  }),
  figure({
    title: 'Largest heap',
    help: 'The heap of the worker that has most; docker-compose.yml replaces a worker at 1024 MiB.',
    unit: 'bytes',
    queries: [{ expr: `max(${series('nodejs_heap_size_used_bytes')})` }],
    limits: [768 * 1024 ** 2, 1024 ** 3],
  }),
  figure({
    title: 'Longest lag',
    help: 'What 99 % of the waits for the event loop stay under, at the worst worker; from 1 s on it refuses requests.',
    unit: 's',
    queries: [{ expr: `max(${series('nodejs_eventloop_lag_p99_seconds')})` }],
    limits: [0.2, 1],
  }),
  figure({
    title: 'Versions',
    help: 'How many processes run which version; two at once are a deployment that is under way, or stuck.',
    unit: 'short',
    queries: [{ expr: `count by (version) (${series('proxy_build_info')})`, legend: '{{version}}' }],
  }),
]

const loop = [
  graph({
    title: 'Event loop utilization',
    help: 'Share of time that each event loop works: all near 1 is too much load, one near 1 a request that costs much.',
    unit: 'percentunit',
    queries: line('nodejs_eventloop_utilization_ratio'),
    limits: [0.7, 0.9],
    max: 1,
  }),
  graph({
    title: 'Event loop lag, 99 %',
    help: 'How late timers are; every stream of a worker waits that long.',
    unit: 's',
    queries: line('nodejs_eventloop_lag_p99_seconds'),
    limits: [0.2, 1],
  }),
  graph({
    title: 'CPU',
    help: 'Cores that each process uses.',
    unit: 'short',
    queries: [{ expr: rate('process_cpu_seconds_total', 'instance, worker'), legend: each }],
  }),
]

const memory = [
  graph({
    title: 'Heap in use',
    help: 'A saw-tooth is healthy; a floor that rises without load is a leak.',
    unit: 'bytes',
    queries: line('nodejs_heap_size_used_bytes'),
    limits: [768 * 1024 ** 2, 1024 ** 3],
  }),
  graph({
    title: 'Resident memory',
    help: 'What the kernel counts for each process; it ends one that goes beyond the limit of its container.',
    unit: 'bytes',
    queries: line('process_resident_memory_bytes'),
  }),
  graph({
    title: 'Garbage collection',
    help: 'Share of time that is spent collecting, by kind; much of "major" is a heap that is too small or leaks.',
    unit: 'percentunit',
    queries: [{ expr: rate('nodejs_gc_duration_seconds_sum', 'instance, kind'), legend: '{{instance}} {{kind}}' }],
  }),
]

const rest = [
  graph({
    title: 'Longest collections, 99 %',
    help: 'How long collections stop a worker, by kind.',
    unit: 's',
    queries: [{ expr: quantile(0.99, 'nodejs_gc_duration_seconds', 'kind'), legend: '{{kind}}' }],
  }),
  graph({
    title: 'Open files',
    help: 'Connections, above all; each stream has two.',
    unit: 'short',
    queries: line('process_open_fds'),
  }),
  graph({
    title: 'Spans that were lost',
    help: 'Spans that never reached the collector, a second; requests do not notice.',
    unit: 'short',
    queries: [{ expr: rate('proxy_trace_spans_dropped_total', 'reason'), legend: '{{reason}}' }],
  }),
]

export const runtime: Page = {
  uid: 'openai-proxy-runtime',
  title: 'Runtime',
  help: 'Whether the processes themselves are well: workers, event loops, memory.',
  rows: { 'Are they well?': answer, 'Event loops': loop, Memory: memory, 'And further': rest },
}
