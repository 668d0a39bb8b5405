import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withBareSockets } from '../cluster/bare.ts'
import { endPrograms, runProgram, type Started } from '../cluster/program.ts'
import { open } from '../cluster/serve.ts'
import { OtlpSink } from '../support/otlp.ts'
import { answer } from '../support/steps.ts'
import { refusingAddress, startUpstream, type Upstream } from '../support/upstream.ts'
import { canaries, faults, leakIn, words } from './canary.ts'

const { proxyKey, fileKey, wrongKey, queryKey, cookie, internalHost, adminToken } = canaries

/** A request that has a secret in every place that a client may put one. */
const conversation = {
  model: 'm',
  user: words.user,
  messages: [
    { role: 'user', content: words.prompt },
    {
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: words.toolArguments } }],
    },
    { role: 'tool', tool_call_id: 'c', content: words.toolResult },
  ],
}

const forwarded = {
  cookie: `session=${cookie}`,
  'x-forwarded-for': internalHost,
  forwarded: `for=${internalHost}`,
  'x-forwarded-host': internalHost,
  'x-real-ip': internalHost,
  via: `1.1 ${internalHost}`,
  'x-request-id': `{"${cookie}"}`,
  traceparent: `00-${internalHost}`,
}

describe('what is secret, in all that two workers, their primary and their collector get to see', function () {
  // The program has to start and to end, on a machine that has other work.
  this.timeout(60_000)

  withBareSockets()

  let upstream: Upstream
  let collector: OtlpSink
  let program: Started
  let folder: string
  let ports: { port: number; admin_port: number }
  /** Heads and bodies of all answers. */
  const answers: string[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'openai-proxy-canaries-'))
    await writeFile(join(folder, 'keys'), `# one a line\ntester:${proxyKey}\n${fileKey}\n`)
    upstream = await startUpstream([])
    collector = await OtlpSink.start()
    program = runProgram({
      env: {
        UPSTREAM_API_URL: upstream.url,
        UPSTREAM_API_KEY: canaries.upstreamKey,
        PROXY_API_KEYS_FILE: join(folder, 'keys'),
        ADMIN_TOKEN: adminToken,
        RATE_LIMIT_STORE: 'redis',
        RATE_LIMIT_REQUESTS: '1000000',
        RATE_LIMIT_CONCURRENCY: '1000',
        REDIS_URL: `redis://limiter:${canaries.redisPassword}@${await refusingAddress()}/0`,
        WORKERS: '2',
        MAX_ATTEMPTS: '2',
        BREAKER_MIN_REQUESTS: '1000',
        BREAKER_OPEN_MS: '1',
        LOG_LEVEL: 'trace',
        LOG_DIR: join(folder, 'log'),
        STATS_INTERVAL_MS: '50',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${canaries.collectorToken}`,
        OTEL_TRACES_SAMPLER: 'always_on',
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    })
    ports = await ready()
  })

  after(async () => {
    await endPrograms()
    await collector?.stop()
    await upstream?.close()
    await rm(folder, { recursive: true })
  })

  /** Everything in the files of the log. */
  async function readLog(): Promise<string> {
    const found = await readdir(join(folder, 'log'), { withFileTypes: true, recursive: true }).catch(() => [])
    const files = found.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name))
    return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('')
  }

  /** With files, nothing says on standard output that the program serves. */
  async function ready(): Promise<{ port: number; admin_port: number }> {
    for (;;) {
      const line = (await readLog()).split('\n').find((text) => text.includes('"msg":"ready"'))
      if (line) return JSON.parse(line)
      if (program.child.exitCode !== null) throw new Error(`the program ended: ${program.stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async function admin(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${adminToken}` }
    return (await fetch(`http://127.0.0.1:${ports.admin_port}${path}`, { headers })).text()
  }

  async function ask(body: unknown, key: string, path = '/v1/chat/completions'): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${ports.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...forwarded, authorization: `Bearer ${key}` },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
    })
    // A stream that is cut is an error of fetch, after what came before it.
    const text = await response.text().catch((error: Error) => error.message)
    answers.push(JSON.stringify([...response.headers]), text)
    // A key that is refused opens the breaker, for a few milliseconds here.
    return text.includes('"no_upstream"') ? ask(body, key, path) : response
  }

  for (const [name, steps] of Object.entries(faults)) {
    it(`is asked out with ${name}`, async () => {
      upstream.play(steps)
      await ask(conversation, proxyKey)
      await ask({ ...conversation, stream: true }, fileKey)
    })
  }

  it('is asked out by errors in OpenAI’s shape, which are passed on, and so must not be logged', async () => {
    const error = { message: words.prompt, type: words.answer, param: words.user, code: words.refusal }
    upstream.play([answer(400, { error })])
    assert.deepEqual([(await ask(conversation, proxyKey)).status, answers.pop()], [400, JSON.stringify({ error })])
  })

  it('is asked out by what is refused', async () => {
    const seen = upstream.requests.length
    const wrong = { ...conversation, messages: [{ role: words.prompt, content: words.toolResult }] }
    const statuses = [
      await ask(conversation, wrongKey),
      await ask(wrong, proxyKey),
      await ask(`{"model": "${words.prompt}", ${words.toolArguments}`, fileKey),
      await ask(conversation, proxyKey, `/v1/nothing?key=${queryKey}`),
    ].map(({ status }) => status)
    assert.deepEqual(statuses, [401, 400, 400, 404])
    assert.equal(upstream.requests.length, seen)
  })

  it('is asked out by a key in the query, which goes upstream as it came', async () => {
    upstream.play(faults['an answer'])
    assert.equal((await ask(conversation, proxyKey, `/v1/chat/completions?key=${queryKey}`)).status, 200)
    assert.match(upstream.requests.at(-1)?.path ?? '', new RegExp(queryKey))
  })

  it('is asked out by what is no HTTP', async () => {
    const lines = [`authorization: Bearer ${proxyKey}`, `cookie: ${cookie}`, `x y: ${internalHost}`].join('\r\n')
    for (const bytes of [`${wrongKey}\r\n\r\n`, `POST /?key=${queryKey} HTTP/1.1\r\nhost: x\r\n${lines}\r\n\r\n`]) {
      const wire = await open(ports.port)
      wire.send(bytes)
      const { head, body } = await wire.answer()
      answers.push(head, body)
      await wire.closed
    }
  })

  it('came upstream where it is meant for it, and nowhere else', () => {
    for (const { headers } of upstream.requests) {
      assert.equal(headers.authorization, `Bearer ${canaries.upstreamKey}`)
      const { upstreamKey: _, ...others } = canaries
      assert.equal(leakIn(JSON.stringify(headers), others), undefined)
    }
  })

  it('did not come out: not to a client, nor in a log, a span, a metric, the status or on standard error', async () => {
    const [metrics, status] = [await admin('/metrics'), await admin('/status')]
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
    const written = {
      'standard output': JSON.stringify(program.lines),
      'standard error': program.stderr,
      'the files': await readLog(),
      'the spans': JSON.stringify(collector.spans, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
      metrics,
      status,
    }
    // Nothing was looked at where nothing was written.
    assert.match(written['the files'], /"msg":"request"/)
    assert.match(written['the files'], /rate limit|limits/i)
    assert.ok(collector.spans.length > 50, `${collector.spans.length} spans`)
    assert.match(metrics, /proxy_upstream_attempts_total\{/)
    assert.match(status, /upstreams/)
    for (const [where, text] of Object.entries(written)) {
      assert.equal(leakIn(text, { ...canaries, ...words }), undefined, where)
    }
    for (const text of answers) assert.equal(leakIn(text, canaries), undefined, 'an answer')
  })
})
