import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { saying, sseBody } from '../support/chunks.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, head, send } from '../support/steps.ts'
import { openWire } from '../support/wire.ts'
import { listen, proxyServer } from '../upstream/servers.ts'
import { setting } from './setting.ts'

const body = sseBody(saying('good'), { done: true })
const good = [send(body)]

/** What a client and the proxies before this one may send, and must not get past it. */
const keptBack = {
  connection: 'x-private',
  'x-private': '1',
  'keep-alive': 'timeout=5',
  'proxy-authorization': 'Basic x',
  'proxy-connection': 'keep-alive',
  te: 'trailers',
  cookie: 'session=secret',
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-host': 'inner.example',
  'x-forwarded-proto': 'https',
  forwarded: 'for=203.0.113.9',
  via: '1.1 inner',
  'x-real-ip': '203.0.113.9',
  'x-client-ip': '203.0.113.9',
  'true-client-ip': '203.0.113.9',
  'cf-connecting-ip': '203.0.113.9',
  'cf-ray': 'x',
  origin: 'https://page.example',
  referer: 'https://page.example/',
  'sec-fetch-mode': 'cors',
  'accept-encoding': 'gzip, br',
  'x-api-key': 'k',
}

const passedOn = {
  'openai-organization': 'org-1',
  'openai-project': 'proj-1',
  'openai-beta': 'assistants=v2',
  'idempotency-key': 'once',
  'x-stainless-lang': 'js',
  'user-agent': 'a client/1.0',
  'x-vendor-thing': 'ünïcode as latin1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}

describe('the headers of a request', () => {
  const on = setting()

  /** By node:http, which sends also what fetch forbids. */
  async function ask(proxy: RunningProxy, headers: Record<string, string>) {
    const asked = request(proxy.chat, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } })
    // As bytes: joined with a text, node:http would write the headers in UTF-8.
    asked.end(Buffer.from(JSON.stringify(question)))
    const [response] = await once(asked, 'response')
    response.resume()
    await once(response, 'end')
  }

  it('go on but for those of the connection, of browsers, of keys and of addresses', async () => {
    const { proxy, upstream } = await on.pair(good)
    await ask(proxy, { ...keptBack, ...passedOn })
    const { headers } = await upstream.next()
    const { connection: _, 'accept-encoding': __, ...rest } = keptBack
    for (const name of Object.keys(rest)) assert.equal(headers[name], undefined, name)
    for (const [name, value] of Object.entries(passedOn)) assert.equal(headers[name], value, name)
    assert.equal(headers['accept-encoding'], 'identity')
    assert.equal(headers.host, `127.0.0.1:${upstream.port}`)
    assert.equal(headers['content-type'], 'application/json')
  })

  it('carry the client’s key where the upstream has none of its own', async () => {
    const { proxy, upstream } = await on.pair(good)
    await ask(proxy, { authorization: 'Bearer mine' })
    await ask(proxy, { 'api-key': 'azures' })
    const [first, second] = [await upstream.next(), await upstream.next()]
    assert.equal(first.headers.authorization, 'Bearer mine')
    assert.deepEqual([second.headers.authorization, second.headers['api-key']], [undefined, 'azures'])
  })

  it('carry the upstream’s own key instead of the client’s', async () => {
    const { proxy, upstream } = await on.pair(good, { env: { UPSTREAM_API_KEY: 'own' } })
    await ask(proxy, { authorization: 'Bearer mine', 'api-key': 'mine too' })
    const { headers } = await upstream.next()
    assert.deepEqual([headers.authorization, headers['api-key']], ['Bearer own', undefined])
  })

  it('carry no key of the client’s beside an Authorization of the operator’s', async () => {
    const upstream = await on.upstream(good)
    const headers = { Authorization: 'Bearer own' }
    const config = JSON.stringify({ upstreams: [{ name: 'a', url: upstream.base, headers }] })
    const proxy = await on.proxy([], { config })
    await ask(proxy, { authorization: 'Bearer mine', 'api-key': 'mine too' })
    const got = (await upstream.next()).headers
    assert.deepEqual([got.authorization, got['api-key']], ['Bearer own', undefined])
  })

  it('never carry a key of this proxy', async () => {
    const { proxy, upstream } = await on.pair(good, { env: { PROXY_API_KEYS: 'ann:secret-of-ann-0123456789' } })
    await ask(proxy, { authorization: 'Bearer secret-of-ann-0123456789' })
    await ask(proxy, { 'api-key': 'secret-of-ann-0123456789' })
    for (const { headers } of [await upstream.next(), await upstream.next()]) {
      assert.doesNotMatch(JSON.stringify(headers), /secret-of-ann/)
    }
  })

  it('carry what is configured for the upstream', async () => {
    const upstream = await on.upstream(good)
    const headers = { 'X-Tenant': 'acme', authorization: 'Custom scheme' }
    const config = JSON.stringify({ upstreams: [{ name: 'a', url: upstream.base, headers }] })
    const proxy = await on.proxy([], { config })
    await ask(proxy, { authorization: 'Bearer mine', 'x-tenant': 'other' })
    const got = (await upstream.next()).headers
    assert.deepEqual([got['x-tenant'], got.authorization], ['acme', 'Custom scheme'])
  })

  it('name the request as the client has, unless that is no name', async () => {
    const { proxy, upstream } = await on.pair(good)
    const sane = await post(proxy.chat, question, { headers: { 'x-request-id': 'abc.DEF-1' } })
    assert.equal(sane.headers.get('x-request-id'), 'abc.DEF-1')
    assert.equal((await upstream.next()).headers['x-request-id'], 'abc.DEF-1')
    const odd = await post(proxy.chat, question, { headers: { 'x-request-id': 'a b" <script>' } })
    const made = odd.headers.get('x-request-id') ?? ''
    assert.match(made, /^[0-9a-f-]{36}$/)
    assert.equal((await upstream.next()).headers['x-request-id'], made)
  })

  it('may announce a body before it is sent', async () => {
    const { proxy, upstream } = await on.pair(good)
    const wire = await openWire(proxy.port)
    const text = JSON.stringify(question)
    wire.send(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${text.length}\r\n\r\n`,
    )
    assert.equal((await wire.answer()).status, 100)
    wire.send(text)
    assert.equal((await wire.answer()).status, 200)
    assert.equal((await upstream.next()).headers.expect, undefined)
    wire.socket.destroy()
    await wire.closed
  })
})

describe('the headers of an answer', () => {
  const on = setting()
  const theirs = {
    'set-cookie': 'a=b',
    server: 'internal/1.0',
    'x-powered-by': 'secret',
    'x-internal-host': '10.0.0.1',
    'access-control-allow-origin': '*',
    'x-request-id': 'upstreams-own',
    'openai-processing-ms': '12',
    'x-ratelimit-remaining-requests': '99',
  }

  for (const [name, steps] of [
    ['a folded one', [head(200, { ...theirs, 'content-type': 'text/event-stream' }), send(body)]],
    ['a plain one', [answer(200, { choices: [] }, theirs)]],
    ['a refusal', [answer(400, { error: { message: 'x' } }, theirs)]],
  ] as const) {
    it(`are taken from the upstream by a list: ${name}`, async () => {
      const { proxy } = await on.pair(steps)
      const { headers } = await post(proxy.chat, question, { headers: { 'x-request-id': 'mine' } })
      assert.equal(headers.get('x-request-id'), 'mine')
      for (const hidden of Object.keys(theirs).slice(0, 5)) assert.equal(headers.get(hidden), null, hidden)
      assert.equal(headers.get('openai-processing-ms'), '12')
      assert.equal(headers.get('x-ratelimit-remaining-requests'), '99')
    })
  }

  for (const status of [200, 429]) {
    it(`say this proxy’s limits where it has some, not the upstream’s: ${status}`, async () => {
      const { proxy } = await on.pair([answer(status, { choices: [] }, theirs)], { env: { RATE_LIMIT_REQUESTS: '5' } })
      const { headers } = await post(proxy.chat, question)
      assert.equal(headers.get('x-ratelimit-remaining-requests'), '4')
    })
  }

  it('say of a failure, too, where it came from, and where the time went', async () => {
    const { proxy } = await on.pair([answer(500, 'down')], { env: { MAX_ATTEMPTS: '1' } })
    const { headers } = await post(proxy.chat, question)
    assert.match(headers.get('server-timing') ?? '', /^proxy;dur=[\d.]+, upstream;dur=[\d.]+$/)
    assert.equal(headers.get('x-proxy-attempts'), '1')
  })

  it('keep the upstream’s word on whether to try again, but not against this proxy’s own tries', async () => {
    const { proxy, upstream } = await on.pair([answer(429, { error: {} }, { 'x-should-retry': 'false' })])
    assert.equal((await post(proxy.chat, question)).headers.get('x-should-retry'), 'false')
    upstream.play([answer(500, { error: {} }, { 'x-should-retry': 'true' })])
    assert.equal((await post(proxy.chat, question)).headers.get('x-should-retry'), 'false')
  })
})

describe('a forward proxy', () => {
  const on = setting()

  it('is used for upstreams that are not excepted from it', async () => {
    const { server, asked } = proxyServer()
    const forward = await listen(server)
    const upstream = await on.upstream(good)
    const env = { HTTP_PROXY: `http://127.0.0.1:${forward.port}`, MAX_ATTEMPTS: '1' }
    const through = await on.proxy(['http://upstream.invalid/v1'], { env })
    await (await post(through.chat, question)).text()
    assert.deepEqual(asked, ['POST http://upstream.invalid/v1/chat/completions'])
    const beside = await on.proxy([upstream], { env: { ...env, NO_PROXY: '127.0.0.1' } })
    assert.equal((await post(beside.chat, question)).status, 200)
    assert.equal(asked.length, 1)
    await through.app.close()
    await forward.stop()
  })
})
