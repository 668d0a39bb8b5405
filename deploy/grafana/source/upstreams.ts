import type { Page } from './page.ts'
import { figure, graph } from './panel.ts'
import { quantile, rate, series, share } from './query.ts'

const attempts = 'proxy_upstream_attempts_total'
const firstEvent = 'gen_ai_client_operation_time_to_first_chunk_seconds'
const duration = 'gen_ai_client_operation_duration_seconds'
const failed = 'outcome!~"ok|client_error|aborted|lost_hedge|rate_limited"'

const answer = [
  figure({
    title: 'Breakers',
    help: 'Whether an upstream is used; open means that it rests, half-open that one request tries it.',
    unit: 'short',
    queries: [{ expr: `max by (upstream) (${series('proxy_circuit_state')})`, legend: '{{upstream}}' }],
    words: { 0: 'closed', 1: 'half-open', 2: 'open' },
    limits: [1, 2],
    width: 8,
  }),
  figure({
    title: 'Left alone after 429',
    help: 'Share of the workers that ask an upstream for nothing until the time is over that it has named; no breaker opens for that.',
    unit: 'percentunit',
    queries: [{ expr: `max by (upstream) (${series('proxy_upstream_resting')})`, legend: '{{upstream}}' }],
    limits: [0.5, 1],
    width: 8,
  }),
  figure({
    title: 'Tries that fail',
    help: 'Share of failed tries by upstream, less what callers have to mend; from 20 % on an alert says so.',
    unit: 'percentunit',
    queries: [{ expr: share(attempts, 'upstream', failed), legend: '{{upstream}}' }],
    limits: [0.05, 0.2],
    width: 8,
  }),
]

const load = [
  graph({
    title: 'Share of the tries',
    help: 'How the tries are spread over the upstreams; one that rests has none.',
    unit: 'short',
    queries: [{ expr: rate(attempts, 'upstream'), legend: '{{upstream}}' }],
    stack: 'share',
  }),
  graph({
    title: 'In flight',
    help: 'Tries that run now; one that grows without more requests is an upstream that has become slow.',
    unit: 'short',
    queries: [{ expr: `sum by (upstream) (${series('proxy_upstream_in_flight')})`, legend: '{{upstream}}' }],
  }),
  graph({
    title: 'Tries by outcome',
    help: 'How tries end, by upstream: connect is the network, unauthorized the key, server_error the provider.',
    unit: 'reqps',
    queries: [{ expr: rate(attempts, 'upstream, outcome'), legend: '{{upstream}} {{outcome}}' }],
    stack: 'sum',
  }),
]

const speed = [
  graph({
    title: 'Time to the first event, half',
    help: 'What half of the tries stay under; a point leads to the trace of one.',
    unit: 's',
    queries: [{ expr: quantile(0.5, firstEvent, 'upstream'), legend: '{{upstream}}', exemplars: true }],
  }),
  graph({
    title: 'Time to the first event, 95 %',
    help: 'The promise is 95 % within 10 s.',
    unit: 's',
    queries: [{ expr: quantile(0.95, firstEvent, 'upstream'), legend: '{{upstream}}', exemplars: true }],
    limits: [10, 30],
  }),
  graph({
    title: 'Duration of a try, 95 %',
    help: 'From the start of a try to its end, whatever that was; failed tries are lines of their own.',
    unit: 's',
    queries: [{ expr: quantile(0.95, duration, 'upstream, error_type'), legend: '{{upstream}} {{error_type}}' }],
  }),
]

const failures = [
  graph({
    title: 'Retries',
    help: 'Tries that were followed by another, by reason; mid_stream is work that is paid for twice.',
    unit: 'reqps',
    queries: [{ expr: rate('proxy_retries_total', 'reason, phase'), legend: '{{reason}} {{phase}}' }],
    stack: 'sum',
    width: 12,
  }),
  graph({
    title: 'Changes of breakers',
    help: 'How often a breaker took a state in the last 5 minutes; back and forth means that the upstream is half well.',
    unit: 'short',
    queries: [
      {
        expr: `sum by (upstream, to) (increase(${series('proxy_circuit_transitions_total')}[5m]))`,
        legend: '{{upstream}} {{to}}',
      },
    ],
    width: 12,
  }),
]

export const upstreams: Page = {
  uid: 'openai-proxy-upstreams',
  title: 'Upstreams',
  help: 'Which upstream fails or is slow, and how its tries end.',
  rows: { 'Which one?': answer, Load: load, Speed: speed, Failures: failures },
}
