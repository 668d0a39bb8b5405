import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import OpenAI from 'openai'
import { createProxy, type EmbeddedProxy, type LogLine, type ProxyOptions } from '../../src/library.ts'
import { saying } from '../support/chunks.ts'
import { post, question } from '../support/proxy.ts'
import { stream } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'
import { unguarded } from '../upstream/servers.ts'

const messages = [{ role: 'user' as const, content: 'Hello?' }]

describe('the library', () => {
  unguarded()
  let upstream: Upstream
  let proxies: EmbeddedProxy[]
  let servers: Server[]

  beforeEach(async () => {
    upstream = await startUpstream([stream(saying('Hel', 'lo'), { done: true })])
    proxies = []
    servers = []
  })

  afterEach(async () => {
    for (const server of servers) server.close()
    await Promise.all(proxies.map((proxy) => proxy.close()))
    for (const server of servers) server.closeAllConnections()
    // No connection to it is left open by any of them.
    assert.equal(await upstream.close(), 0)
  })

  function create(options: Partial<ProxyOptions> = {}): EmbeddedProxy {
    const proxy = createProxy({ upstreams: upstream.base, ...options })
    proxies.push(proxy)
    return proxy
  }

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async function asksWell(baseURL: string): Promise<void> {
    const openai = new OpenAI({ baseURL, apiKey: 'any', maxRetries: 0 })
    const plain = await openai.chat.completions.create({ model: 'm', messages })
    assert.equal(plain.choices[0]?.message.content, 'Hello')
    let streamed = ''
    for await (const chunk of await openai.chat.completions.create({ model: 'm', messages, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? ''
    }
    assert.equal(streamed, 'Hello')
  }

  it('answers OpenAI’s own SDK on a port of its own', async () => {
    const proxy = create()
    const { port, baseURL } = await proxy.listen()
    assert.equal(baseURL, `http://127.0.0.1:${port}/v1`)
    await asksWell(baseURL)
  })

  it('answers within a server that has other pages', async () => {
    const { listener } = create()
    const origin = await serve((req, res) => (req.url?.startsWith('/v1/') ? listener(req, res) : res.end('my page')))
    await asksWell(`${origin}/v1`)
    assert.equal(await (await fetch(origin)).text(), 'my page')
  })

  it('answers under a path, as Express mounts it', async () => {
    const { listener } = create()
    const origin = await serve((req, res) => {
      const { url = '' } = req
      Object.assign(req, { originalUrl: url, url: url.slice('/ai'.length) })
      listener(req, res)
    })
    await asksWell(`${origin}/ai/v1`)
  })

  it('answers within a Koa app', async () => {
    const { listener } = create()
    const koa = new Koa()
    koa.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/v1/')) return next()
      ctx.respond = false
      listener(ctx.req, ctx.res)
    })
    koa.use((ctx) => {
      ctx.body = 'my page'
    })
    const origin = await serve(koa.callback())
    await asksWell(`${origin}/v1`)
    assert.equal(await (await fetch(origin)).text(), 'my page')
  })

  it('sees to keys, limits and models as the program does, by the same settings in camel case', async () => {
    const { baseURL } = await create({
      upstreams: [{ name: 'own', url: upstream.url, key: 'sk-own', models: { map: { small: 'small-2024' } } }],
      keys: [{ name: 'team', key: 'team-key', requests: 1 }],
      maxBodyBytes: 300,
    }).listen()
    const url = `${baseURL}/chat/completions`
    const headers = { authorization: 'Bearer team-key' }
    assert.equal((await post(url, question)).status, 401)
    const answer = await post(url, { ...question, model: 'small' }, { headers })
    assert.equal(answer.headers.get('x-proxy-upstream'), 'own')
    assert.equal(answer.status, 200)
    const [request] = upstream.requests
    assert.deepEqual([request?.json.model, request?.headers.authorization], ['small-2024', 'Bearer sk-own'])
    assert.equal((await post(url, question, { headers })).status, 429)
    assert.equal((await post(url, { ...question, user: 'x'.repeat(300) })).status, 401)
  })

  it('can be there several times, each with its own limits and counts', async () => {
    const limited = create({ rateLimitRequests: 1 })
    const free = create()
    const urls = await Promise.all([limited, free].map(async (proxy) => (await proxy.listen()).baseURL))
    const statuses: number[] = []
    for (const url of [...urls, ...urls]) statuses.push((await post(`${url}/chat/completions`, question)).status)
    assert.deepEqual(statuses, [200, 200, 429, 200])
    const counted = async (proxy: EmbeddedProxy) =>
      /^http_server_request_duration_seconds_count\{.*status="200".*\} (\d+)$/m.exec((await proxy.metrics()).body)?.[1]
    assert.deepEqual([await counted(limited), await counted(free)], ['1', '2'])
  })

  it('shows its own metrics and none of the process, in the format that is asked for', async () => {
    const proxy = create()
    const { body, contentType } = await proxy.metrics()
    assert.match(contentType, /^text\/plain; version=0\.0\.4/)
    assert.match(body, /^proxy_requests_in_flight 0$/m)
    assert.doesNotMatch(body, /^(process|nodejs)_/m)
    const open = await proxy.metrics('application/openmetrics-text')
    assert.match(open.contentType, /^application\/openmetrics-text/)
    assert.ok(open.body.endsWith('# EOF\n'))
  })

  it('tells its state', async () => {
    const proxy = create({ upstreams: [{ url: upstream.url, name: 'a' }, `${upstream.base}/x`] })
    assert.equal(proxy.ready(), true)
    const { upstreams, ...rest } = proxy.status()
    assert.deepEqual(rest, { inFlight: 0, draining: false })
    assert.deepEqual(
      upstreams.map(({ name, state }) => [name, state]),
      [
        ['a', 'closed'],
        [`127.0.0.1:${upstream.port}`, 'closed'],
      ],
    )
    await proxy.close()
    assert.equal(proxy.ready(), false)
  })

  it('logs to whoever wants it, without a key in it', async () => {
    const lines: LogLine[] = []
    const key = 'operators-own-key'
    const other = 'one among its headers'.replaceAll(' ', '-')
    const proxy = create({
      upstreams: { url: upstream.url, key, headers: { 'x-api-key': other } },
      onLog: (line) => lines.push(line),
      logLevel: 'debug',
    })
    const { baseURL } = await proxy.listen()
    for (const model of [key, other]) await post(`${baseURL}/chat/completions`, { ...question, model })
    // What the line is about has ended by then.
    await proxy.close()
    const line = lines.find(({ msg }) => msg === 'request')
    assert.deepEqual([line?.level, line?.route, line?.status], ['info', '/v1/chat/completions', 200])
    assert.deepEqual(
      lines.filter(({ msg }) => msg === 'request').map(({ model }) => model),
      ['[redacted]', '[redacted]'],
    )
    assert.equal(JSON.stringify(lines).includes(key), false)
  })

  it('leaves the trace context to this process’s own tracing where it is told that there is one', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    for (const traced of [false, true]) {
      const { baseURL } = await create({ traced }).listen()
      await post(`${baseURL}/chat/completions`, question, { headers: { traceparent } })
    }
    assert.deepEqual(
      upstream.requests.map(({ headers }) => headers.traceparent),
      [traceparent, undefined],
    )
  })
})
