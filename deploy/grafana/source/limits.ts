import type { Page } from './page.ts'
import { figure, graph } from './panel.ts'
import { quantile, rate, series, share } from './query.ts'

const requests = 'http_server_request_duration_seconds_count'
const decisions = 'proxy_rate_limit_decisions_total'
const rejected = 'proxy_rejected_total'

const answer = [
  figure({
    title: 'Refused for a limit',
    help: 'Share of requests to the API that got 429, from this proxy or from a provider.',
    unit: 'percentunit',
    queries: [{ expr: share(requests, '', 'status="429"', 'route=~"/v1/.*"') }],
    width: 6,
  }),
  figure({
    title: 'Turned away as too many',
    help: 'Requests a second that got 503 because a worker is full; anything but 0 asks for more of them.',
    unit: 'reqps',
    queries: [{ expr: `${rate(rejected, '', 'code="overloaded"')} or vector(0)` }],
    limits: [0.001, 1],
    width: 6,
  }),
  figure({
    title: 'Store of the limits',
    help: 'Whether limits are counted together; alone means that Redis is away, and each worker grants its own share.',
    unit: 'short',
    queries: [{ expr: `max(${series('proxy_rate_limit_fallback')})` }],
    words: { 0: 'together', 1: 'alone' },
    limits: [1, 1],
    width: 6,
  }),
  figure({
    title: 'In flight',
    help: 'Requests that are being handled, over all processes.',
    unit: 'short',
    queries: [{ expr: `sum(${series('proxy_requests_in_flight')})` }],
    width: 6,
  }),
]

const limits = [
  graph({
    title: 'Verdicts of the limits',
    help: 'What each limit decided; only the first that refuses is counted.',
    unit: 'reqps',
    queries: [{ expr: rate(decisions, 'limit, decision'), legend: '{{limit}} {{decision}}' }],
  }),
  graph({
    title: 'Share that a limit refuses',
    help: 'By limit; the key or address that it hits is in the log lines with code rate_limit_exceeded.',
    unit: 'percentunit',
    queries: [{ expr: share(decisions, 'limit', 'decision="refused"'), legend: '{{limit}}' }],
    max: 1,
  }),
  graph({
    title: 'Time that the limits take, 99 %',
    help: 'Own time of the stage; with Redis it is a round trip, and grows when Redis is slow.',
    unit: 's',
    queries: [{ expr: quantile(0.99, 'proxy_stage_duration_seconds', '', 'stage="limit"'), legend: '99 %' }],
  }),
]

const refusals = [
  graph({
    title: 'Refused by this proxy',
    help: 'By code: what callers have to mend, and overloaded, draining, no_upstream and internal_error, which are not theirs.',
    unit: 'reqps',
    queries: [{ expr: rate(rejected, 'code'), legend: '{{code}}' }],
    stack: 'sum',
    width: 12,
  }),
  graph({
    title: 'Limits of the providers',
    help: 'Tries that an upstream put off with 429; other upstreams may have taken them.',
    unit: 'reqps',
    queries: [
      { expr: rate('proxy_upstream_attempts_total', 'upstream', 'outcome="rate_limited"'), legend: '{{upstream}}' },
    ],
    width: 12,
  }),
]

export const limitsPage: Page = {
  uid: 'openai-proxy-limits',
  title: 'Limits',
  help: 'Who is refused, and whether it is a limit, a fault of the caller, or a lack of room.',
  rows: { 'Is anybody refused?': answer, Limits: limits, 'All refusals': refusals },
}
