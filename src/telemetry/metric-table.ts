/** How a worker's values of one name become one value for the cluster; prom-client's own word for it. */
export type Aggregator = 'sum' | 'max' | 'first' | 'average'

interface Row<Labels extends readonly string[] = readonly string[]> {
  readonly name: string
  readonly help: string
  readonly labels: Labels
}

export interface CounterRow<Labels extends readonly string[] = readonly string[]> extends Row<Labels> {
  readonly type: 'counter'
}

export interface GaugeRow<Labels extends readonly string[] = readonly string[]> extends Row<Labels> {
  readonly type: 'gauge'
  readonly aggregator: Aggregator
}

export interface HistogramRow<Labels extends readonly string[] = readonly string[]> extends Row<Labels> {
  readonly type: 'histogram'
  /** Upper bounds in the metric's unit, seconds. */
  readonly buckets: readonly number[]
  /** Whether a sampled request leaves its trace id beside the bucket that it fell into. */
  readonly exemplars: boolean
}

export type MetricRow = CounterRow | GaugeRow | HistogramRow

// 1 ms to 10 min: a cached embedding takes the one, a reasoning model with tools the other.
const WHOLE_REQUEST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
// The proxy's own work is tens of microseconds; the top shows when something has gone wrong.
const OWN_WORK = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1, 10]
// As above, but `forward` waits for the upstream in its own time.
const STAGE = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300, 600]
const BETWEEN_CHUNKS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

const GEN_AI = [
  'gen_ai_operation_name',
  'gen_ai_provider_name',
  'gen_ai_request_model',
  'upstream',
  'error_type',
] as const

/**
 * Every metric that this program makes itself, once. The registry and `docs/metrics.md` come from here.
 * The order of `labels` is the order in which values are handed over.
 */
export const metricTable = {
  requestDuration: {
    name: 'http_server_request_duration_seconds',
    type: 'histogram',
    help: 'Time from the request headers until the response closed. mode: unstream, stream or plain.',
    labels: ['route', 'method', 'status', 'mode'],
    buckets: WHOLE_REQUEST,
    exemplars: true,
  },
  requestsInFlight: {
    name: 'proxy_requests_in_flight',
    type: 'gauge',
    help: 'Requests that are being handled now.',
    labels: [],
    aggregator: 'sum',
  },
  connectionsResting: {
    name: 'proxy_connections_resting',
    type: 'gauge',
    help: 'Connections that were refused while the event loop had no time to spare, and are not read from until their Retry-After has passed.',
    labels: [],
    aggregator: 'sum',
  },
  stageDuration: {
    name: 'proxy_stage_duration_seconds',
    type: 'histogram',
    help: "A stage's own time, less what it waited for the stages below it. outcome: ok, rejected (the client has to act), failed, or aborted (the client left), counted only at the stage where it arose.",
    labels: ['stage', 'outcome'],
    buckets: STAGE,
    exemplars: false,
  },
  overhead: {
    name: 'proxy_overhead_seconds',
    type: 'histogram',
    help: 'Request time less the time spent waiting for the upstream, backoff between tries included. A client that is slow to send its body shows here too; requests for /health are left out.',
    labels: ['mode'],
    buckets: OWN_WORK,
    exemplars: false,
  },
  attempts: {
    name: 'proxy_upstream_attempts_total',
    type: 'counter',
    help: 'Tries at an upstream, by how they ended.',
    labels: ['upstream', 'outcome'],
  },
  retries: {
    name: 'proxy_retries_total',
    type: 'counter',
    help: 'Tries that were followed by another, by how they ended. phase mid_stream is work that is billed twice.',
    labels: ['reason', 'phase'],
  },
  upstreamInFlight: {
    name: 'proxy_upstream_in_flight',
    type: 'gauge',
    help: 'Tries that are running now.',
    labels: ['upstream'],
    aggregator: 'sum',
  },
  circuitState: {
    name: 'proxy_circuit_state',
    type: 'gauge',
    help: 'State of the circuit breaker: 0 closed, 1 half-open, 2 open. Over the workers, the worst.',
    labels: ['upstream'],
    aggregator: 'max',
  },
  upstreamResting: {
    name: 'proxy_upstream_resting',
    type: 'gauge',
    help: 'Share of the workers, 0 to 1, that ask an upstream for nothing until the time is over that it has named with a 429.',
    labels: ['upstream'],
    aggregator: 'average',
  },
  circuitTransitions: {
    name: 'proxy_circuit_transitions_total',
    type: 'counter',
    help: 'Changes of a circuit breaker, by the state that it took.',
    labels: ['upstream', 'to'],
  },
  rateLimitDecisions: {
    name: 'proxy_rate_limit_decisions_total',
    type: 'counter',
    help: 'Verdicts of the limits. limit: requests, tokens or concurrency; decision: allowed or refused.',
    labels: ['limit', 'decision'],
  },
  rejected: {
    name: 'proxy_rejected_total',
    type: 'counter',
    help: 'Requests that this proxy itself answered with an error, by code. Not what an upstream that was asked failed to do, nor clients that left.',
    labels: ['code'],
  },
  streamEvents: {
    name: 'proxy_stream_events_total',
    type: 'counter',
    help: 'Events with data received from an upstream.',
    labels: ['upstream'],
  },
  streamBytes: {
    name: 'proxy_stream_bytes_total',
    type: 'counter',
    help: 'Body bytes received from an upstream.',
    labels: ['upstream'],
  },
  operationDuration: {
    name: 'gen_ai_client_operation_duration_seconds',
    type: 'histogram',
    help: 'Duration of one try at an upstream. error_type is empty when it succeeded.',
    labels: GEN_AI,
    buckets: WHOLE_REQUEST,
    exemplars: true,
  },
  timeToFirstChunk: {
    name: 'gen_ai_client_operation_time_to_first_chunk_seconds',
    type: 'histogram',
    help: 'Time from the start of a try to its first event with data.',
    labels: GEN_AI,
    buckets: WHOLE_REQUEST,
    exemplars: true,
  },
  timePerChunk: {
    name: 'gen_ai_client_operation_time_per_output_chunk_seconds',
    type: 'histogram',
    help: 'Mean time between the events of one try, after the first; one observation a try.',
    labels: GEN_AI,
    buckets: BETWEEN_CHUNKS,
    exemplars: true,
  },
  tokens: {
    name: 'gen_ai_client_token_usage_total',
    type: 'counter',
    help: 'Tokens as the upstreams counted them. gen_ai_token_type: input, output, cached or reasoning.',
    labels: ['gen_ai_token_type', 'gen_ai_request_model'],
  },
  spansDropped: {
    name: 'proxy_trace_spans_dropped_total',
    type: 'counter',
    help: 'Finished spans that never reached the collector. reason: queue_full or export_failed.',
    labels: ['reason'],
  },
  workerRestarts: {
    name: 'proxy_worker_restarts_total',
    type: 'counter',
    help: 'Workers that the primary started anew because one had died.',
    labels: [],
  },
  rateLimitFallback: {
    name: 'proxy_rate_limit_fallback',
    type: 'gauge',
    help: '1 while the store of the rate limits is away and a worker counts alone. Over the workers, the worst.',
    labels: [],
    aggregator: 'max',
  },
  buildInfo: {
    name: 'proxy_build_info',
    type: 'gauge',
    help: 'Always 1; the labels say what is running.',
    labels: ['version', 'node_version'],
    aggregator: 'first',
  },
  processStart: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'Start time of the process since unix epoch in seconds. While a worker is replaced, of the newer process.',
    labels: ['worker'],
    aggregator: 'max',
  },
  eventLoopUtilization: {
    name: 'nodejs_eventloop_utilization_ratio',
    type: 'gauge',
    help: 'Share of the time since the last scrape that the event loop was busy: 0 idle, 1 saturated.',
    labels: ['worker'],
    aggregator: 'max',
  },
} as const satisfies Record<string, MetricRow>
