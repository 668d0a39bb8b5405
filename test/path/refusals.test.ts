import assert from 'node:assert/strict'
import { said, saying } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question } from '../support/proxy.ts'
import { answer, compressed, cut, flood, head, raw, reset, send, stream } from '../support/steps.ts'
import { assertError, metric, setting } from './setting.ts'

const env = { MAX_ATTEMPTS: '1' }
const theirs = { message: 'No such thing.', type: 'invalid_request_error', param: 'messages', code: 'their_code' }
const secret = 'Traceback: connection to 10.1.2.3:5432 refused, password hunter2'

describe('an upstream that refuses', () => {
  const on = setting()

  async function ask(steps: readonly Step[], more: Record<string, string> = {}) {
    const { proxy } = await on.pair(steps, { env: { ...env, ...more } })
    return post(proxy.chat, question)
  }

  for (const status of [400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 529]) {
    it(`is passed on with its ${status} and its own error`, async () => {
      const response = await ask([answer(status, { error: theirs, extra: secret })])
      assert.equal(response.status, status)
      assert.deepEqual(await response.json(), { error: theirs })
    })
  }

  for (const [status, type] of [
    [401, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [503, 'server_error'],
  ] as const) {
    it(`with ${status} has the type of that where it names none, as Azure does, or says nothing`, async () => {
      const { type: _none, ...untyped } = theirs
      const types = [answer(status, { error: untyped }), answer(status, '')].map(async (step) => {
        const { error } = (await (await ask([step])).json()) as { error: { type: string } }
        return error.type
      })
      assert.deepEqual(await Promise.all(types), [type, type])
    })
  }

  for (const [name, step] of [
    ['HTML', answer(500, `<h1>${secret}</h1>`, { 'content-type': 'text/html' })],
    ['text', answer(500, secret, { 'content-type': 'text/plain' })],
    ['JSON of another shape', answer(500, { detail: secret })],
    ['a JSON string', answer(500, JSON.stringify(secret))],
    ['nothing', answer(500, '')],
    ['too much', flooding(500)],
  ] as [string, Step][]) {
    it(`says nothing of a body that is ${name}`, async () => {
      const { error } = await assertError(await ask([step]), 500, 'upstream_error')
      assert.match(error.message, /answered 500/)
    })
  }

  for (const [name, steps] of [
    ['broken off', [head(429, { 'content-length': '500' }), send('{"error":'), cut]],
    ['reset', [head(429), send('{"error":'), reset]],
    ['no gzip', [answer(429, 'plain', { 'content-encoding': 'gzip' })]],
    ['coded in a way that nobody knows', [answer(429, 'plain', { 'content-encoding': 'snappy' })]],
    ['coded in two lines', [raw(`HTTP/1.1 429 No\r\n${'content-encoding: identity\r\n'.repeat(2)}\r\nplain`), cut]],
  ] as [string, Step[]][]) {
    it(`is known by its status when its body is ${name}`, async () => {
      await assertError(await ask(steps), 429, 'upstream_error')
    })
  }

  it('may compress its error', async () => {
    const gzip = compressed('gzip', JSON.stringify({ error: theirs }))
    const response = await ask([
      (exchange) => {
        exchange.response.statusCode = 400
        exchange.response.writeHead = new Proxy(exchange.response.writeHead, {
          apply: (writeHead, self, [, headers]) => Reflect.apply(writeHead, self, [400, headers]),
        })
        return gzip(exchange)
      },
    ])
    assert.equal(response.status, 400)
    assert.deepEqual(await response.json(), { error: theirs })
  })

  for (const [headers, seconds] of [
    [{ 'retry-after': '20' }, '20'],
    [{ 'retry-after-ms': '1500' }, '2'],
    [{ 'x-ratelimit-reset-requests': '1m0s', 'x-ratelimit-remaining-requests': '0' }, '60'],
  ] as const) {
    it(`keeps the Retry-After of ${Object.keys(headers)[0]}`, async () => {
      const response = await ask([answer(429, { error: theirs }, headers)])
      assert.deepEqual([response.status, response.headers.get('retry-after')], [429, seconds])
    })
  }

  for (const status of [408, 500, 502, 503, 504, 529]) {
    it(`keeps the Retry-After of a ${status}, and says none where there is none`, async () => {
      const said = await ask([answer(status, { error: theirs }, { 'retry-after': '20' })])
      assert.deepEqual([said.status, said.headers.get('retry-after')], [status, '20'])
      const unsaid = await ask([answer(status, { error: theirs })])
      assert.equal(unsaid.headers.get('retry-after'), null)
    })
  }

  it('drops the Retry-After of a 400, which would be no better later', async () => {
    const response = await ask([answer(400, { error: theirs }, { 'retry-after': '20' })])
    assert.equal(response.headers.get('retry-after'), null)
  })

  it('may ask for a time without end, which becomes a day', async () => {
    const response = await ask([answer(429, { error: theirs }, { 'retry-after': '9'.repeat(400) })])
    assert.equal(response.headers.get('retry-after'), '86400')
  })

  for (const status of [301, 302, 304, 307]) {
    it(`is no answer with ${status}, which is not followed`, async () => {
      const response = await ask([answer(status, '', { location: 'http://127.0.0.1:1/' })])
      assert.equal(response.headers.get('location'), null)
      await assertError(response, 502, 'upstream_error')
    })
  }

  it('is not quoted where it quotes the key that is configured for it', async () => {
    const key = 'sk-operators-own'
    const error = { ...theirs, message: `Incorrect API key provided: ${key}` }
    const response = await ask([answer(401, { error })], { UPSTREAM_API_KEY: key })
    assert.doesNotMatch((await assertError(response, 401, 'upstream_error')).error.message, /operators/)
  })

  it('counts as what its status says', async () => {
    const statuses = [400, 404, 422, 408, 429, 401, 500, 302]
    const { proxy } = await on.pair(
      statuses.map((status) => [answer(status, { error: theirs })]),
      { env },
    )
    for (const _ of statuses) await post(proxy.chat, question)
    await proxy.line(() => proxy.lines.length === statuses.length)
    const count = (outcome: string) => metric(proxy, 'proxy_upstream_attempts_total', { outcome })
    const outcomes = ['client_error', 'server_error', 'rate_limited', 'unauthorized', 'invalid']
    assert.deepEqual(await Promise.all(outcomes.map(count)), [3, 2, 1, 1, 1])
  })

  it('keeps its connection', async () => {
    const { proxy, upstream } = await on.pair([[answer(400, { error: theirs })], [stream(saying('hi'))]], { env })
    await post(proxy.chat, question)
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('hi'))
    assert.equal(upstream.connections, 1)
  })

  it('may send hints before', async () => {
    const response = await ask([raw('HTTP/1.1 103 Early Hints\r\n\r\n'), answer(404, { error: theirs })])
    assert.equal(response.status, 404)
  })
})

function flooding(status: number): Step {
  return async (exchange) => {
    exchange.response.writeHead(status)
    await flood(1_000_000, secret)(exchange)
  }
}
