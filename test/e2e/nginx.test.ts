import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type ErrorCode, errorTable } from '../../src/errors.ts'
import { settingsOf } from '../cluster/children.ts'
import { endPrograms, type Started, startProgram } from '../cluster/program.ts'
import { arrived, chat, type Scene, startScene } from '../cluster/scene.ts'
import { ask } from '../cluster/traffic.ts'
import { needNginx, startNginx, type TestNginx } from '../support/nginx.ts'
import { post, question } from '../support/proxy.ts'
import { openWire } from '../support/wire.ts'

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

  const bare = ['/chat/completions', '/chat/completions/', '/completions', '/responses', '/embeddings', '/models/a/b']
  for (const path of bare) {
    it(`${path} reaches the proxy without its /v1, as it does where there is no nginx`, async () => {
      const headers = { 'x-request-id': `bare${path}` }
      await (await post(url(path), {}, { headers })).text()
      const line = await proxy.line(({ request_id }) => request_id === `bare${path}`)
      assert.match(String(line.route), /^\/v1\//)
    })
  }

  const elsewhere = ['/metrics', '/status', '/reload', '/', '/v2/chat/completions', '/v1/../metrics', '/.malformed']
  for (const path of elsewhere) {
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

  const line = 'GET /v1/models HTTP/1.1'
  const unread: readonly (readonly [what: string, request: string, status: number, code: string])[] = [
    ['a header of 17 KB', `${line}\r\nhost: x\r\nx-a: ${'y'.repeat(17_000)}`, 431, 'headers_too_large'],
    ['headers of 80 KB', `${line}\r\nhost: x${`\r\nx-a: ${'y'.repeat(4000)}`.repeat(20)}`, 431, 'headers_too_large'],
    ['a path of 17 KB', `GET /v1/${'y'.repeat(17_000)} HTTP/1.1\r\nhost: x`, 431, 'headers_too_large'],
    ['TRACE', 'TRACE /v1/models HTTP/1.1\r\nhost: x', 405, 'method_not_allowed'],
    ['a request without a host', line, 400, 'invalid_request'],
    ['a length that is no number', `POST /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: y`, 400, 'invalid_request'],
    ['a request without a path', 'GET models HTTP/1.1\r\nhost: x', 400, 'invalid_request'],
    ['what is not HTTP', 'hello', 400, 'invalid_request'],
    ['another version of HTTP', 'GET /v1/models HTTP/3.0\r\nhost: x', 400, 'invalid_request'],
    ['a transfer coding that nobody knows', `${line}\r\nhost: x\r\ntransfer-encoding: zip`, 400, 'invalid_request'],
  ]
  for (const [what, request, status, code] of unread) {
    it(`nginx refuses ${what} in OpenAI's words`, async () => {
      const wire = await openWire(nginx.port)
      wire.send(`${request}\r\n\r\n`)
      const answer = await wire.answer()
      wire.socket.destroy()
      assert.equal(answer.status, status)
      assert.match(answer.head, /^content-type: application\/json\r?$/im)
      const { error } = JSON.parse(answer.body)
      assert.deepEqual([error.type, error.param, error.code], ['invalid_request_error', null, code])
    })
  }

  it('a long key is let through, and headers that are too long for the proxy are refused by it in the same words', async () => {
    const asked = (length: number) => ask(nginx.port, { path: '/v1/none', headers: { 'x-a': 'y'.repeat(length) } })
    assert.equal((await asked(9000)).status, 404)
    const { status, body } = await asked(16_300)
    assert.deepEqual([status, JSON.parse(body).error.code], [431, 'headers_too_large'])
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
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['retry-after'], '1')
    const { error } = JSON.parse(answer.body)
    assert.deepEqual([error.type, error.code], ['server_error', 'overloaded'])
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

describe('the errors of nginx', () => {
  it('have the status and the type that the proxy gives their codes', () => {
    const said = Array.from(files[0]!.matchAll(/return (\d+) '(.*)';/g), ([, status, body = '']) => {
      const { type, code } = JSON.parse(body).error as { type: string; code: string }
      return { status: Number(status), type, code }
    })
    assert.ok(said.length > 0)
    for (const { status, type, code } of said) {
      const known = errorTable[code as ErrorCode]
      assert.deepEqual([status, type], [known?.status, known?.type], code)
    }
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
