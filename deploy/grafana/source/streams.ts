import type { Page } from './page.ts'
import { figure, graph } from './panel.ts'
import { mean, quantile, rate, share } from './query.ts'

const requests = 'http_server_request_duration_seconds_count'
const tokens = 'gen_ai_client_token_usage_total'
const perChunk = 'gen_ai_client_operation_time_per_output_chunk_seconds'
const model = 'gen_ai_request_model'
const modes = 'mode=~"unstream|stream"'

const answer = [
  figure({
    title: 'Un-streamed',
    help: 'Share of chats that are answered with one JSON, which is what this proxy is for.',
    unit: 'percentunit',
    queries: [{ expr: share(requests, '', 'mode="unstream"', modes) }],
    width: 6,
  }),
  figure({
    title: 'Tokens written',
    help: 'Tokens a second that models have written, as they counted them.',
    unit: 'short',
    queries: [{ expr: rate(tokens, '', 'gen_ai_token_type="output"') }],
    width: 6,
  }),
  figure({
    title: 'Events',
    help: 'Events a second that came from upstreams.',
    unit: 'eps',
    queries: [{ expr: rate('proxy_stream_events_total', '') }],
    width: 6,
  }),
  figure({
    title: 'Input from the cache',
    help: 'Share of input tokens that providers had in their cache, and bill less for.',
    unit: 'percentunit',
    queries: [
      { expr: `${rate(tokens, '', 'gen_ai_token_type="cached"')} / ${rate(tokens, '', 'gen_ai_token_type="input"')}` },
    ],
    width: 6,
  }),
]

const streams = [
  graph({
    title: 'Requests by mode',
    help: 'unstream is folded into one JSON, stream passed through, plain neither, such as embeddings.',
    unit: 'reqps',
    queries: [{ expr: rate(requests, 'mode', 'route=~"/v1/.*"'), legend: '{{mode}}' }],
    stack: 'sum',
  }),
  graph({
    title: 'Time to fold an answer',
    help: 'What making one JSON of all events takes; it grows with the length of answers.',
    unit: 's',
    queries: [
      { expr: quantile(0.5, 'proxy_stage_duration_seconds', '', 'stage="fold"'), legend: 'half' },
      { expr: quantile(0.99, 'proxy_stage_duration_seconds', '', 'stage="fold"'), legend: '99 %' },
    ],
  }),
  graph({
    title: 'Own overhead by mode, 99 %',
    help: 'Request time less the wait for upstreams: un-streamed against passed through.',
    unit: 's',
    queries: [{ expr: quantile(0.99, 'proxy_overhead_seconds', 'mode'), legend: '{{mode}}' }],
  }),
  graph({
    title: 'Events by upstream',
    help: 'Events a second; a stream that stands still shows here before it times out.',
    unit: 'eps',
    queries: [{ expr: rate('proxy_stream_events_total', 'upstream'), legend: '{{upstream}}' }],
  }),
  graph({
    title: 'Bytes by upstream',
    help: 'Bytes of answers a second, as they were on the wire.',
    unit: 'Bps',
    queries: [{ expr: rate('proxy_stream_bytes_total', 'upstream'), legend: '{{upstream}}' }],
  }),
  graph({
    title: 'Between two events, by model',
    help: 'Mean time between the events of a try; a model that writes more slowly than usual rises.',
    unit: 's',
    queries: [{ expr: mean(perChunk, model), legend: `{{${model}}}`, exemplars: true }],
  }),
]

const money = [
  graph({
    title: 'Tokens written by model',
    help: 'Output tokens a second.',
    unit: 'short',
    queries: [{ expr: rate(tokens, model, 'gen_ai_token_type="output"'), legend: `{{${model}}}` }],
    stack: 'sum',
  }),
  graph({
    title: 'Tokens by kind',
    help: 'cached is part of input, reasoning part of output.',
    unit: 'short',
    queries: [{ expr: rate(tokens, 'gen_ai_token_type'), legend: '{{gen_ai_token_type}}' }],
  }),
  graph({
    title: 'Tries by model',
    help: 'Tries a second by the model that was asked for.',
    unit: 'reqps',
    queries: [{ expr: rate('gen_ai_client_operation_duration_seconds_count', model), legend: `{{${model}}}` }],
  }),
]

export const streamsAndTokens: Page = {
  uid: 'openai-proxy-streams',
  title: 'Streams and tokens',
  help: 'How much is un-streamed and passed through, how fast models write, and what is used up.',
  rows: { 'How much?': answer, Streams: streams, 'Tokens and models': money },
}
