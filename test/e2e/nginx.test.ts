import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { settingsOf } from '../cluster/children.ts'
import { endPrograms, type Started, startProgram } from '../cluster/program.ts'
import { arrived, chat, type Scene, startScene } from '../cluster/scene.ts'
import { ask } from '../cluster/traffic.ts'
import { needNginx, startNginx, type TestNginx } from '../support/nginx.ts'
import { post, question } from '../support/proxy.ts'

const files = ['nginx.conf', 'proxy.conf'].map((name) =>
  readFileSync(new URL(`../../deploy/nginx/${name}`, import.meta.url), 'utf8'),
)

describe('through nginx', () => {
  let scene: Scene
  let proxy: Started
  let nginx: TestNginx
  const url = (path: string) => `http://127.0.0.1:${nginx.port}${path}`

  before(async function () {
    needNginx(this)
    this.timeout(60_000)
    scene = await startScene()
    const env = { UPSTREAM_API_URL: scene.upstream.base, WORKERS: '0', TRUST_PROXY: '1' }
    proxy = await startProgram({ env })
    nginx = await startNginx({ servers: [proxy.port] })
  })
  after(async () => {
    scene?.release()
    await nginx?.stop()
    await endPrograms()
    await scene?.upstream.close()
  })

  it('a plain question is answered with one JSON object', async () => {
    const answer = await post(url('/v1/chat/completions'), question)
    assert.equal(answer.status, 200)
    const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] }
    assert.equal(choices[0]?.message.content, 'Hello')
  })

  it('an event arrives while the next has not been sent', async () => {
    const asked = post(url('/v1/chat/completions'), chat('hold', true).body)
    const reader = (await asked).body!.pipeThrough(new TextDecoderStream()).getReader()
    const first = await reader.read()
    assert.match(first.value ?? '', /"role":"assistant"/)
    assert.doesNotMatch(first.value ?? '', /"stop"/)
    await reader.cancel()
  })

  it('a caller who leaves ends the request upstream, before and after the first event', async () => {
    for (const streams of [false, true]) {
      const leave = new AbortController()
      const from = scene.upstream.requests.length
      const asked = post(url('/v1/chat/completions'), chat('hold', streams).body, { signal: leave.signal })
      if (streams) await asked
      while (scene.upstream.requests.length === from) await scene.upstream.next()
      leave.abort()
      if (!streams) await assert.rejects(asked)
      assert.equal(await scene.upstream.requests.at(-1)?.closed, 'client')
    }
  })

  it("the caller's request id and trace reach the proxy, and come back", async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { 'x-request-id': 'from-the-caller', traceparent: trace }
    const from = proxy.lines.length
    const answer = await post(url('/v1/chat/completions'), question, { headers })
    assert.equal(answer.headers.get('x-request-id'), 'from-the-caller')
    await answer.text()
    await proxy.line((line) => line.request_id === 'from-the-caller', from)
    assert.equal(scene.upstream.requests.at(-1)?.headers.traceparent, trace)
  })

  it('a request without an id gets one, the same in both logs, and a forged address is not believed', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    const answer = await post(url('/v1/chat/completions'), question, { headers })
    await answer.text()
    const id = answer.headers.get('x-request-id') ?? ''
    assert.match(id, /^[0-9a-f]{32}$/)
    assert.equal((await proxy.line((line) => line.request_id === id)).client, 'ip-127.0.0.1')
    assert.equal((await nginx.logged(id)).status, 200)
  })

  for (const path of ['/metrics', '/status', '/reload', '/', '/v2/chat/completions', '/v1/../metrics']) {
    it(`${path} is not there`, async () => {
      const answer = await ask(nginx.port, { path })
      assert.equal(answer.status, 404)
      assert.equal(JSON.parse(answer.body).error.code, 'not_found')
    })
  }

  it('health is answered by a proxy', async () => {
    const answer = await fetch(url('/health'))
    assert.deepEqual(Object.keys((await answer.json()) as object), ['status', 'pid'])
  })

  it('a body above the cap of the proxy is refused by the proxy, one far above it by nginx, in the same words', async () => {
    for (const size of [20 * 1024 * 1024 + 1, 22 * 1024 * 1024]) {
      const answer = await post(url('/v1/chat/completions'), `{"model":"${'x'.repeat(size)}"}`)
      assert.equal(answer.status, 413)
      const { error } = (await answer.json()) as { error: Record<string, unknown> }
      assert.deepEqual([error.type, error.code], ['invalid_request_error', 'request_too_large'])
    }
  })

  it('who asks far too often is told so as OpenAI would', async () => {
    const answers = await Promise.all(Array.from({ length: 400 }, () => ask(nginx.port, { path: '/v1/none' })))
    const refused = answers.find(({ status }) => status === 429)
    assert.equal(refused?.headers['retry-after'], '1')
    assert.equal(JSON.parse(refused?.body ?? '').error.code, 'rate_limit_exceeded')
    assert.ok(
      answers.some(({ status }) => status === 404),
      'and within the burst one is let through',
    )
  })
})

describe('nginx by itself', () => {
  let nginx: TestNginx | undefined

  afterEach(async () => {
    await nginx?.stop()
    nginx = undefined
  })

  it('tells that no process answered', async function () {
    needNginx(this)
    // The port of a server that has gone.
    const gone = await startScene()
    const { port } = gone.upstream
    await gone.upstream.close()
    nginx = await startNginx({ servers: [port] })
    const answer = await ask(nginx.port, chat('hello'))
    assert.equal(answer.status, 502)
    assert.equal(JSON.parse(answer.body).error.type, 'server_error')
  })

  it('limits connections at once', async function () {
    needNginx(this)
    const scene = await startScene()
    const only = (text: string) => text.replaceAll('limit_conn connections 1000', 'limit_conn connections 1')
    nginx = await startNginx({ servers: [scene.upstream.port], edit: only })
    const first = ask(nginx.port, chat('hold'))
    await arrived(scene, 1)
    assert.equal((await ask(nginx.port, chat('hello'))).status, 429)
    scene.release()
    assert.equal((await first).status, 200)
    await nginx.stop()
    nginx = undefined
    await scene.upstream.close()
  })
})

describe('the limits of nginx', () => {
  const settings = settingsOf()
  const numbersOf = (name: string) => {
    const found = files.flatMap((text) => Array.from(text.matchAll(new RegExp(`^ *${name} (\\d+)`, 'gm'))))
    return found.map(([, digits]) => Number(digits))
  }

  it('outlast those of the proxy, which can give a reason', () => {
    assert.ok(numbersOf('proxy_read_timeout')[0]! * 1000 > settings.requestTimeoutMs)
    assert.ok(numbersOf('proxy_send_timeout')[0]! * 1000 > settings.bodyTimeoutMs)
    assert.ok(numbersOf('client_max_body_size')[0]! * 1024 * 1024 > settings.maxBodyBytes)
  })

  it('end a kept connection before the proxy does', () => {
    const own = numbersOf('keepalive_timeout')
    assert.equal(own.length, 2)
    for (const seconds of own) assert.ok(seconds * 1000 < settings.keepAliveTimeoutMs)
  })
})
