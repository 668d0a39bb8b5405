import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endPrograms, type Started, startProgram } from '../cluster/program.ts'
import { chunk, saying, sseBody, usageChunk } from '../support/chunks.ts'
import { OtlpSink } from '../support/otlp.ts'
import { boards, shown, substituted } from '../support/panels.ts'
import { needPrometheus, startPrometheus, type TestPrometheus } from '../support/prometheus.ts'
import { post, question } from '../support/proxy.ts'
import { filesIn } from '../support/rules.ts'
import { answer, cut, send, stream } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

interface Result {
  readonly result?: readonly { readonly value: readonly [number, string] }[]
}

const whole = [stream([...saying('Hel', 'lo'), usageChunk()], { done: true })]

/**
 * What goes wrong, by the model that is asked for. Each has an upstream of its own, which is always asked first, so that
 * each failure happens for certain; the last upstream is for every model, and always answers.
 */
const moods: Readonly<Record<string, typeof whole>> = {
  'model-that-breaks': [send(sseBody([chunk({ role: 'assistant' }), chunk({ content: 'Hel' })])), cut],
  'model-that-fails': [answer(500, { error: { message: 'no', type: 'server_error', param: null, code: null } })],
  'model-that-waits': [answer(429, { error: { message: 'slow down', type: null, param: null, code: null } })],
}

/** Each round is a client of its own, since the limits are by client. */
const keys = Array.from({ length: 20 }, (_, index) => `key-of-round-${index}`)

/** Every kind of request and of failure once, and then more than the limit allows. */
async function round(base: string, key: string): Promise<void> {
  const chat = `${base}/chat/completions`
  const init = { headers: { authorization: `Bearer ${key}` } }
  // Of three, one of the two workers has two, which open a breaker.
  for (let times = 0; times < 3; times++) {
    const response = await post(chat, { ...question, model: 'model-that-fails' }, init)
    await response.arrayBuffer()
  }
  const asked = [
    ...Object.keys(moods).map((model) => post(chat, { ...question, model }, init)),
    post(chat, question, init),
    post(chat, { ...question, stream: true }, init),
    post(`${base}/embeddings`, { model: 'test-model', input: 'text' }, init),
    post(chat, '{', init),
  ]
  for (const response of await Promise.all(asked)) await response.arrayBuffer()
  const further = Array.from({ length: 8 }, () => post(chat, question, init))
  for (const response of await Promise.all(further)) await response.arrayBuffer()
}

describe('every panel of every dashboard', () => {
  let upstreams: Upstream[]
  let directory: string
  let collector: OtlpSink
  let program: Started
  let prometheus: TestPrometheus

  before(async function () {
    needPrometheus(this)
    this.timeout(60_000)
    upstreams = []
    for (const mood of Object.values(moods)) upstreams.push(await startUpstream(() => mood))
    upstreams.push(
      await startUpstream(({ path }) =>
        path.endsWith('/embeddings') ? [answer(200, { object: 'list', data: [] })] : whole,
      ),
    )
    directory = await mkdtemp(join(tmpdir(), 'openai-proxy-panels-'))
    const config = join(directory, 'proxy.json')
    await writeFile(config, JSON.stringify({ upstreams: entries(upstreams) }))
    collector = await OtlpSink.start()
    program = await startProgram({ env: settings(config, collector) })
    const rules = filesIn('rules')
    prometheus = await startPrometheus(`127.0.0.1:${program.adminPort}`, { job: 'openai-proxy', rules })
    await prometheus.scrapes(1)
  })
  after(async () => {
    await prometheus?.stop()
    await endPrograms()
    await collector?.stop()
    for (const upstream of upstreams ?? []) await upstream.close()
    if (directory) await rm(directory, { recursive: true })
  })

  async function hasData(expr: string): Promise<boolean> {
    const { result = [] } = (await prometheus.query('query', { query: substituted(expr, '20s') })) as Result
    return result.some(({ value: [, value] }) => Number.isFinite(Number(value)))
  }

  async function empty(): Promise<string[]> {
    const missing: string[] = []
    for (const board of boards()) {
      for (const { title, targets = [] } of shown(board)) {
        for (const { expr } of targets) if (!(await hasData(expr))) missing.push(`${board.file}: ${title}: ${expr}`)
      }
    }
    return missing
  }

  it('has data when a real Prometheus has scraped the real proxy', async () => {
    const base = `http://127.0.0.1:${program.port}/v1`
    // A rate needs traffic between two scrapes, and a recorded rule one evaluation more.
    let missing = ['not asked yet']
    for (let rounds = 0; missing.length > 0 && rounds < keys.length; rounds++) {
      await round(base, keys[rounds]!)
      await prometheus.scrapes(2)
      missing = await empty()
    }
    assert.deepEqual(missing, [])
  }).timeout(120_000)

  it('shows points that lead to traces which the collector has', async () => {
    const spans = await collector.until((got) => got.some(({ kind }) => kind === 'server'))
    const now = Date.now() / 1000
    const range = { start: String(now - 600), end: String(now + 60) }
    const name = 'gen_ai_client_operation_time_to_first_chunk_seconds_bucket'
    const found = JSON.stringify(await prometheus.query('query_exemplars', { query: name, ...range }))
    assert.ok(spans.some(({ traceId }) => found.includes(traceId)))
  })
})

function entries(upstreams: readonly Upstream[]): object[] {
  const models = Object.keys(moods)
  return upstreams.map(({ base }, at) => {
    const model = models[at]
    const common = { name: model ?? 'answers', url: base, key: 'provider-key' }
    return model === undefined ? { ...common, priority: 1 } : { ...common, models: { allow: [model] } }
  })
}

function settings(config: string, collector: OtlpSink): Record<string, string> {
  return {
    CONFIG_FILE: config,
    LOAD_BALANCING: 'round-robin',
    RETRY_BUDGET: '1',
    BREAKER_MIN_REQUESTS: '2',
    BREAKER_OPEN_MS: '200',
    RATE_LIMIT_REQUESTS: '12',
    RATE_LIMIT_TOKENS: '1000000',
    PROXY_API_KEYS: keys.map((key, index) => `round-${index}:${key}`).join(','),
    WORKERS: '2',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_TRACES_SAMPLER: 'always_on',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  }
}
