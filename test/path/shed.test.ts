import assert from 'node:assert/strict'
import { said, saying } from '../support/chunks.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { stream, wait } from '../support/steps.ts'
import type { Upstream } from '../support/upstream.ts'
import { chunk, openWire } from '../support/wire.ts'
import { assertError, metric, setting } from './setting.ts'

const cap = 5

describe('over its cap, the proxy', () => {
  const on = setting()

  let upstream: Upstream
  let proxy: RunningProxy
  let release: () => void
  let held: Promise<Response>[]

  /** As many requests as the cap allows, all of which the upstream keeps waiting. */
  beforeEach(async () => {
    const gate = Promise.withResolvers<void>()
    release = gate.resolve
    const started = await on.pair([wait(gate.promise), stream(saying('well'), { done: true })], {
      env: { MAX_CONCURRENCY: String(cap), PROXY_API_KEYS: 'tester:key-0123456789' },
    })
    upstream = started.upstream
    proxy = started.proxy
    held = Array.from({ length: cap }, () => ask(question))
    for (let count = 0; count < cap; count++) await upstream.next()
  })

  const ask = (body: unknown, key = 'key-0123456789') =>
    post(proxy.chat, body, { headers: { authorization: `Bearer ${key}` } })

  /** How often a stage ran. */
  async function runs(stage: string): Promise<number> {
    const durations = (await proxy.app.snapshot()).find(({ name }) => name === 'proxy_stage_duration_seconds')
    const counts = durations?.values.filter(({ metricName }) => metricName === 'proxy_stage_duration_seconds_count')
    const its = counts?.filter(({ labels }) => labels.stage === stage) ?? []
    return its.reduce((sum, { value }) => sum + value, 0)
  }

  async function finish(): Promise<void> {
    release()
    for (const response of await Promise.all(held)) assert.deepEqual(await response.json(), said('well'))
  }

  it('refuses whatever comes without looking at it, and lets all that it had admitted finish', async () => {
    const bodies = [question, '{', '[]', { model: 5 }, 'x'.repeat(100_000)]
    const refused = await Promise.all(bodies.flatMap((body) => [ask(body), ask(body, 'wrong'), ask(body)]))
    for (const response of refused) {
      assert.equal(response.headers.get('retry-after'), '1')
      await assertError(response, 503, 'overloaded')
    }
    await finish()
    assert.equal(upstream.requests.length, cap)
    assert.equal(await metric(proxy, 'proxy_rejected_total', { code: 'overloaded' }), refused.length)
    for (const stage of ['access', 'limit', 'validate', 'forward']) assert.equal(await runs(stage), cap, stage)
    assert.equal(await runs('shed'), cap + refused.length)
  })

  it('answers before the body has come, and keeps the connection for the next request', async () => {
    const body = JSON.stringify(question)
    const start = [
      ...['POST /v1/chat/completions HTTP/1.1', 'host: x', 'content-type: application/json'],
      ...['authorization: Bearer key-0123456789', `content-length: ${body.length}`, '', ''],
    ].join('\r\n')
    const wire = await openWire(proxy.port)
    wire.send(start)
    const refused = await wire.answer()
    assert.equal(refused.status, 503)
    assert.doesNotMatch(refused.head, /^connection: close$/im)
    await finish()
    wire.send(body + start + body)
    assert.equal((await wire.answer()).status, 200)
    wire.socket.destroy()
    await wire.closed
  })

  it('lets a client that sends a long body come to read the refusal', async () => {
    const wire = await openWire(proxy.port)
    const body = Buffer.alloc(16 * 1024 ** 2, ' ')
    wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`)
    assert.equal((await wire.answer()).status, 503)
    // All of it is taken, which a closed connection would not do.
    await new Promise<void>((resolve, reject) =>
      wire.socket.write(body, (error) => (error ? reject(error) : resolve())),
    )
    wire.send('GET /health HTTP/1.1\r\nhost: x\r\n\r\n')
    assert.equal((await wire.answer()).status, 200)
    wire.socket.destroy()
    await wire.closed
    await finish()
  })

  it('cuts off a client that sends without end', async () => {
    const wire = await openWire(proxy.port)
    wire.socket.once('end', () => wire.socket.end())
    wire.send('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
    assert.equal((await wire.answer()).status, 503)
    const piece = chunk(Buffer.alloc(1024 ** 2))
    const flood = () => {
      while (!wire.socket.destroyed && wire.socket.write(piece));
    }
    wire.socket.on('drain', flood)
    flood()
    await wire.closed
    await finish()
  })

  it('still says that it lives', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      assert.equal((await fetch(`http://127.0.0.1:${proxy.port}${path}`)).status, 200)
    }
    await finish()
  })

  it('admits again as soon as one has finished', async () => {
    await assertError(await ask(question), 503, 'overloaded')
    await finish()
    assert.equal((await ask(question)).status, 200)
  })
})
