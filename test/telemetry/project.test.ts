import assert from 'node:assert/strict'
import type { Span } from '@opentelemetry/api'
import pino from 'pino'
import type { Facts } from '../../src/facts.ts'
import type { Metrics } from '../../src/telemetry/metrics.ts'
import { createProject } from '../../src/telemetry/project.ts'
import { inServerSpan, serverSpan } from '../../src/telemetry/server-span.ts'
import { MovedClock } from '../support/clock.ts'
import { recorded, recordSpans, sampleNothing, stopRecording } from './recording.ts'
import { readValue, seriesIn, someAttempt, someFacts, someMetrics } from './sample.ts'
import { requestOf } from './stack.ts'

const GEN_AI = {
  gen_ai_operation_name: 'chat',
  gen_ai_provider_name: 'openai',
  gen_ai_request_model: 'gpt-known',
  upstream: 'near',
  error_type: '',
}

describe('projecting the facts', () => {
  let metrics: Metrics
  let lines: Record<string, unknown>[]
  let project: (facts: Facts, server?: Span) => void

  beforeEach(() => {
    recordSpans()
    metrics = someMetrics()
    lines = []
    const clock = new MovedClock()
    // Every request of these tests began at 1000 and takes 610 ms.
    clock.move(1610)
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
    project = createProject({ metrics, log, clock })
  })
  after(stopRecording)

  /** Projects in the server span of a request to `url`. */
  async function projectTraced(facts: Facts, url = '/v1/chat/completions?api-version=1') {
    const req = requestOf(url, { 'user-agent': 'sdk/1' })
    await inServerSpan({ req, state: {} }, async () => project(facts, serverSpan()))
    return recorded().find(({ kind }) => kind === 'server')
  }

  it('counts the request, its overhead, its try, its events and its tokens', async () => {
    project(someFacts())
    const snapshot = await metrics.snapshot()
    const read = (name: string, labels: Record<string, string>) => readValue(snapshot, name, labels)
    const request = { route: '/v1/chat/completions', method: 'POST', status: '200', mode: 'unstream' }
    assert.equal(read('http_server_request_duration_seconds_sum', request), 0.61)
    assert.ok(Math.abs((read('proxy_overhead_seconds_sum', { mode: 'unstream' }) ?? 0) - 0.02) < 1e-9)
    assert.equal(read('proxy_upstream_attempts_total', { upstream: 'near', outcome: 'ok' }), 1)
    assert.equal(read('proxy_stream_events_total', { upstream: 'near' }), 5)
    assert.equal(read('proxy_stream_bytes_total', { upstream: 'near' }), 500)
    assert.equal(read('gen_ai_client_operation_duration_seconds_sum', GEN_AI), 0.6)
    assert.equal(read('gen_ai_client_operation_time_to_first_chunk_seconds_sum', GEN_AI), 0.2)
    assert.equal(read('gen_ai_client_operation_time_per_output_chunk_seconds_sum', GEN_AI), 0.1)
    const tokens = ['input', 'output', 'cached', 'reasoning'].map((type) =>
      read('gen_ai_client_token_usage_total', { gen_ai_token_type: type, gen_ai_request_model: 'gpt-known' }),
    )
    assert.deepEqual(tokens, [11, 22, 3, 4])
  })

  it('counts no events of an answer in one piece, and no overhead of a probe', async () => {
    project(someFacts({ mode: 'plain', route: '/v1/embeddings' }))
    project(someFacts({ mode: 'plain', route: '/health/ready', attempts: [] }))
    const snapshot = await metrics.snapshot()
    const embeddings = { ...GEN_AI, gen_ai_operation_name: 'embeddings' }
    assert.equal(readValue(snapshot, 'gen_ai_client_operation_duration_seconds_count', embeddings), 1)
    assert.equal(
      readValue(snapshot, 'gen_ai_client_operation_time_to_first_chunk_seconds_count', embeddings),
      undefined,
    )
    assert.equal(readValue(snapshot, 'proxy_stream_events_total', { upstream: 'near' }), undefined)
    assert.equal(readValue(snapshot, 'proxy_overhead_seconds_count', { mode: 'plain' }), 1)
  })

  it('counts the tokens of each try that told of them, for each is billed', async () => {
    project(someFacts({ attempts: [someAttempt({ outcome: 'truncated', retried: true }), someAttempt()] }))
    const tokens = { gen_ai_token_type: 'output', gen_ai_request_model: 'gpt-known' }
    assert.equal(readValue(await metrics.snapshot(), 'gen_ai_client_token_usage_total', tokens), 44)
  })

  it('counts a retry by its reason and by whether it was work that is billed twice', async () => {
    const failed = someAttempt({ outcome: 'truncated', retried: true })
    const refused = someAttempt({ outcome: 'connect', retried: true, firstEventAt: undefined, events: 0 })
    project(someFacts({ attempts: [failed, refused, someAttempt()] }))
    const snapshot = await metrics.snapshot()
    assert.equal(readValue(snapshot, 'proxy_retries_total', { reason: 'truncated', phase: 'mid_stream' }), 1)
    assert.equal(readValue(snapshot, 'proxy_retries_total', { reason: 'connect', phase: 'before_first_event' }), 1)
    const failedLabels = { ...GEN_AI, error_type: 'truncated' }
    assert.equal(readValue(snapshot, 'gen_ai_client_operation_duration_seconds_count', failedLabels), 1)
  })

  it('counts verdicts of the limits, and of those behind a refusal nothing', async () => {
    const requests = { limit: 5, remaining: 0, resetMs: 1 }
    const tokens = { limit: 9, remaining: 9, resetMs: 1 }
    project(someFacts({ limit: { ok: true, retryAfterMs: 0, requests, tokens, slot: true } }))
    project(someFacts({ limit: { ok: false, refusedBy: 'concurrency', retryAfterMs: 1000 } }))
    project(someFacts({ limit: { ok: false, refusedBy: 'requests', retryAfterMs: 1, requests, tokens } }))
    const snapshot = await metrics.snapshot()
    const read = (limit: string, decision: string) =>
      readValue(snapshot, 'proxy_rate_limit_decisions_total', { limit, decision })
    const verdicts = ['requests', 'tokens', 'concurrency'].map((name) => [read(name, 'allowed'), read(name, 'refused')])
    assert.deepEqual(verdicts, [
      [1, 1],
      [1, undefined],
      [1, 1],
    ])
  })

  it('counts as rejected what this proxy refused, and not what an upstream failed to do', async () => {
    project(someFacts({ code: 'overloaded', status: 503 }))
    project(someFacts({ code: 'invalid_json', status: 400 }))
    project(someFacts({ code: 'no_upstream', status: 503 }))
    project(someFacts({ code: 'upstream_timeout', status: 504 }))
    project(someFacts({ clientLeft: true, status: 200 }))
    const family = (await metrics.snapshot()).find(({ name }) => name === 'proxy_rejected_total')
    const codes = family?.values.map(({ labels }) => labels.code).sort()
    assert.deepEqual(codes, ['invalid_json', 'no_upstream', 'overloaded'])
  })

  it('a client that left is 499 in metrics, log and span, whatever was being sent', async () => {
    const server = await projectTraced(someFacts({ clientLeft: true, status: 200 }))
    const request = { route: '/v1/chat/completions', method: 'POST', status: '499', mode: 'unstream' }
    assert.equal(readValue(await metrics.snapshot(), 'http_server_request_duration_seconds_count', request), 1)
    assert.deepEqual([lines[0]?.status, lines[0]?.code, lines[0]?.level], [499, 'client_closed_request', 30])
    assert.equal(server?.attributes['http.response.status_code'], 499)
    assert.equal(server?.status, 'unset')
  })

  it('writes on the server span what the request became, and gives it the name of its route', async () => {
    const server = await projectTraced(someFacts())
    assert.equal(server?.name, 'POST /v1/chat/completions')
    assert.deepEqual(server?.attributes, {
      'http.request.method': 'POST',
      'url.path': '/v1/chat/completions',
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'user_agent.original': 'sdk/1',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'proxy.request_id': 'req-1',
      'proxy.mode': 'unstream',
      'proxy.client': 'team-a',
      'proxy.model': 'gpt-known',
      'proxy.upstream': 'near',
      'proxy.attempts': 1,
    })
  })

  it('says where the request was sent to, and from where it came', async () => {
    const told = async (host: string) => {
      recordSpans()
      const facts = someFacts({ address: '192.0.2.7' })
      const req = requestOf('/v1/models', { host })
      await inServerSpan({ req, state: {} }, async () => project(facts, serverSpan()))
      const { attributes } = recorded()[0] ?? {}
      return [attributes?.['server.address'], attributes?.['server.port'], attributes?.['client.address']]
    }
    assert.deepEqual(await told('api.example.com'), ['api.example.com', undefined, '192.0.2.7'])
    assert.deepEqual(await told('[::1]:3000'), ['[::1]', 3000, '192.0.2.7'])
    assert.deepEqual(await told('no host at all/'), [undefined, undefined, '192.0.2.7'])
  })

  it('a 4xx is no error of the server span, a 5xx is, by its code', async () => {
    const rejected = await projectTraced(someFacts({ status: 429, code: 'rate_limit_exceeded' }))
    assert.deepEqual([rejected?.status, rejected?.attributes['proxy.error.code']], ['unset', 'rate_limit_exceeded'])
    recordSpans()
    const failed = await projectTraced(someFacts({ status: 502, code: 'upstream_truncated' }))
    assert.deepEqual([failed?.status, failed?.attributes['error.type']], ['error', 'upstream_truncated'])
  })

  it('an unknown path is in no name and no route', async () => {
    const server = await projectTraced(
      someFacts({ route: 'other', attempts: [], status: 404, code: 'not_found' }),
      '/x/y',
    )
    assert.equal(server?.name, 'POST')
    assert.equal(server?.attributes['http.route'], undefined)
  })

  it('health checks and scrapes make no spans', async () => {
    for (const path of ['/health', '/health/live', '/health/ready?x=1', '/metrics', '/status', '/reload']) {
      assert.equal(await projectTraced(someFacts(), path), undefined, path)
    }
    assert.ok(await projectTraced(someFacts(), '/healthy'))
  })

  it('a sampled request leaves its trace beside the histograms, another does not', async () => {
    const server = await projectTraced(someFacts())
    sampleNothing()
    await projectTraced(someFacts({ route: '/v1/models', attempts: [] }))
    const marked = (await metrics.snapshot()).flatMap(({ name, values }) =>
      values.flatMap(({ exemplar }) => (exemplar ? [`${name} ${exemplar.labelSet.trace_id}`] : [])),
    )
    assert.deepEqual(
      marked,
      [
        'http_server_request_duration_seconds',
        'gen_ai_client_operation_duration_seconds',
        'gen_ai_client_operation_time_to_first_chunk_seconds',
        'gen_ai_client_operation_time_per_output_chunk_seconds',
      ].map((name) => `${name} ${server?.traceId}`),
    )
  })

  it('ten thousand random models, paths, methods, statuses and outcomes leave the number of series flat', async () => {
    const strange = (index: number): Facts =>
      someFacts({
        model: `model-${index}`,
        client: `client-${index}`,
        address: `address-${index}`,
        response: { id: `id-${index}`, model: `answering-${index}`, finishReasons: [`reason-${index}`] },
        method: `M${index}`,
        route: 'other',
        status: 100 + (index % 899),
        attempts: [someAttempt({ upstream: `u-${index}`, outcome: index % 2 ? 'server_error' : 'ok' })],
      })
    // Enough for every room to be taken and every status to have been seen.
    for (let index = 0; index < 2000; index++) project(strange(index))
    const before = seriesIn(await metrics.snapshot())
    for (let index = 2000; index < 12_000; index++) project(strange(index))
    assert.equal(seriesIn(await metrics.snapshot()), before)
  })
})
