import type { Page } from './page.ts'
import { figure, graph } from './panel.ts'
import { quantile, rate, series } from './query.ts'

const duration = 'http_server_request_duration_seconds'
const requests = `${duration}_count`
const api = 'route=~"/v1/.*"'

const answer = [
  figure({
    title: 'Alerts',
    help: 'Alerts that fire now; each has a section in docs/runbook.md.',
    unit: 'short',
    queries: [{ expr: 'count(ALERTS{alertname=~"OpenaiProxy.*", alertstate="firing"}) or vector(0)' }],
    limits: [1, 1],
  }),
  figure({
    title: 'Failed, last 5 min',
    help: 'Share of requests that got a 5xx; the promise is 0.5 % over 30 days, and at 7.2 % somebody is woken.',
    unit: 'percentunit',
    queries: [{ expr: 'job:openai_proxy_request_errors:ratio_rate5m{job="openai-proxy"}' }],
    limits: [0.005, 0.072],
  }),
  figure({
    title: 'Late, last 5 min',
    help: 'Share of tries whose first event took over 10 s or never came; the promise is 5 % over 30 days.',
    unit: 'percentunit',
    queries: [{ expr: 'job:openai_proxy_late_first_events:ratio_rate5m{job="openai-proxy"}' }],
    limits: [0.05, 0.72],
  }),
  figure({
    title: 'Upstreams that rest',
    help: 'Upstreams whose circuit breaker is not closed; if it is all of them, callers get 503.',
    unit: 'short',
    queries: [{ expr: `sum(max by (upstream) (${series('proxy_circuit_state')}) > bool 0)` }],
    limits: [1, 2],
  }),
  figure({
    title: 'Requests',
    help: 'Requests to the API a second, refused ones included.',
    unit: 'reqps',
    queries: [{ expr: rate(requests, '', api) }],
  }),
  figure({
    title: 'Busiest worker',
    help: 'The share of time that the event loop of the busiest worker works; near 1 it is full, and all its streams wait.',
    unit: 'percentunit',
    queries: [{ expr: `max(${series('nodejs_eventloop_utilization_ratio', 'worker!="primary"')})` }],
    limits: [0.7, 0.9],
  }),
]

const callers = [
  graph({
    title: 'Requests by status',
    help: 'What callers got; the 5xx that "Refused by this proxy" does not have come from upstreams, whose own errors keep their status. 499 left.',
    unit: 'reqps',
    queries: [{ expr: rate(requests, 'status', api), legend: '{{status}}' }],
    stack: 'sum',
  }),
  graph({
    title: 'Duration, un-streamed',
    help: 'Whole requests that are answered with one JSON; a point leads to the trace of one of them.',
    unit: 's',
    queries: [
      { expr: quantile(0.5, duration, '', `${api}, mode="unstream"`), legend: 'half' },
      { expr: quantile(0.99, duration, '', `${api}, mode="unstream"`), legend: '99 %', exemplars: true },
    ],
  }),
  graph({
    title: 'Duration, passed through',
    help: 'Streams from the first byte of the request to the last of the answer; long ones are usual.',
    unit: 's',
    queries: [
      { expr: quantile(0.5, duration, '', `${api}, mode="stream"`), legend: 'half' },
      { expr: quantile(0.99, duration, '', `${api}, mode="stream"`), legend: '99 %', exemplars: true },
    ],
  }),
]

const burn = (name: string, window: string, budget: number) => ({
  expr: `job:openai_proxy_${name}:ratio_rate${window}{job="openai-proxy"} / ${budget}`,
  legend: window,
})

const promises = [
  graph({
    title: 'Failures, times what is allowed',
    help: 'At 1 the budget of 30 days lasts exactly that long; at 14.4 over an hour it is gone in two days.',
    unit: 'none',
    queries: ['5m', '1h', '6h', '3d'].map((window) => burn('request_errors', window, 0.005)),
    limits: [1, 14.4],
    width: 12,
  }),
  graph({
    title: 'Late first events, times what is allowed',
    help: 'As on the left, for tries whose first event took over 10 s or never came.',
    unit: 'none',
    queries: ['5m', '1h', '6h', '3d'].map((window) => burn('late_first_events', window, 0.05)),
    limits: [1, 14.4],
    width: 12,
  }),
]

const causes = [
  graph({
    title: 'Tries by outcome',
    help: 'How tries at upstreams end; "Upstreams" shows which upstream it is.',
    unit: 'reqps',
    queries: [{ expr: rate('proxy_upstream_attempts_total', 'outcome'), legend: '{{outcome}}' }],
    stack: 'sum',
  }),
  graph({
    title: 'Own overhead',
    help: 'Request time less the wait for upstreams: if this grows, the cause is here and not with the providers.',
    unit: 's',
    queries: [
      { expr: quantile(0.5, 'proxy_overhead_seconds'), legend: 'half' },
      { expr: quantile(0.99, 'proxy_overhead_seconds'), legend: '99 %' },
    ],
  }),
  graph({
    title: 'Own time by stage, 99 %',
    help: 'Which part of the program takes the time; "forward" includes the wait for the upstream.',
    unit: 's',
    queries: [{ expr: quantile(0.99, 'proxy_stage_duration_seconds', 'stage'), legend: '{{stage}}' }],
  }),
  graph({
    title: 'In flight',
    help: 'Requests that are being handled, and tries that run for them; MAX_CONCURRENCY is 2000 for each worker. Connections rest after a refusal while the CPU is the limit.',
    unit: 'short',
    queries: [
      { expr: `sum(${series('proxy_requests_in_flight')})`, legend: 'requests' },
      { expr: `sum(${series('proxy_upstream_in_flight')})`, legend: 'tries' },
      { expr: `sum(${series('proxy_connections_resting')})`, legend: 'connections that rest' },
    ],
  }),
  graph({
    title: 'Refused by this proxy',
    help: 'Requests that were answered with an error without asking an upstream, or for a fault of this program, by code.',
    unit: 'reqps',
    queries: [{ expr: rate('proxy_rejected_total', 'code'), legend: '{{code}}' }],
    stack: 'sum',
  }),
  graph({
    title: 'Retries',
    help: 'Tries that were followed by another; those mid_stream are paid for twice.',
    unit: 'reqps',
    queries: [{ expr: rate('proxy_retries_total', 'phase'), legend: '{{phase}}' }],
    stack: 'sum',
  }),
]

export const overview: Page = {
  uid: 'openai-proxy-overview',
  title: 'Overview',
  help: 'Is it well? If not, who suffers, and where is the cause?',
  rows: { 'Is it well?': answer, 'What callers see': callers, 'The promises': promises, Causes: causes },
}
