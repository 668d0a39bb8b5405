import assert from 'node:assert/strict'
import { chunk, saying, sseEvent } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question } from '../support/proxy.ts'
import { answer, head, send, stream } from '../support/steps.ts'
import { metric, setting, statusOf } from './setting.ts'

const env = { MAX_ATTEMPTS: '1' }
const [role] = saying('x')
const overloaded = {
  message: 'The engine is overloaded.',
  type: 'overloaded_error',
  param: 'engine',
  code: 'overloaded',
}

interface Seen {
  status: number
  error: { message: string; type: string; param: string | null; code: string | null }
}

describe('an error in a 200 stream', () => {
  const on = setting()

  async function ask(...steps: Step[]): Promise<Response> {
    const { proxy } = await on.pair(steps, { env })
    return post(proxy.chat, question)
  }

  async function read(response: Response): Promise<Seen> {
    const { error } = (await response.json()) as Pick<Seen, 'error'>
    return { status: response.status, error }
  }

  for (const [name, events] of [
    ['first', [{ error: overloaded }]],
    ['in the middle', [role, { error: overloaded }]],
    ['behind the finish reason', [...saying('x'), { error: overloaded }]],
    ['beside choices', [{ ...chunk({ content: '' }, { finish: 'error' }), error: overloaded }]],
  ] as [string, Record<string, unknown>[]][]) {
    it(`is the answer, where it comes ${name}`, async () => {
      assert.deepEqual(await read(await ask(stream(events, { done: true }))), { status: 502, error: overloaded })
    })
  }

  for (const [name, data, status, message] of [
    ['a number as code', { error: { message: 'Slow down', code: 429 } }, 429, 'Slow down'],
    ['a status in text', { error: { message: 'Bad', status: '400' } }, 400, 'Bad'],
    ['vLLM’s shape', { object: 'error', message: 'Too long', type: 'BadRequestError', code: 400 }, 400, 'Too long'],
    ['a bare string', { error: 'worker died' }, 502, 'worker died'],
    ['a Responses event', { type: 'error', message: 'Broken', code: 'server_error', param: null }, 502, 'Broken'],
    ['a status outside', { error: { message: 'Busy' }, status: 503 }, 503, 'Busy'],
  ] as const) {
    it(`is understood as ${name}`, async () => {
      const { status: seen, error } = await read(await ask(stream([data])))
      assert.deepEqual([seen, error.message], [status, message])
    })
  }

  it('may be an event named error', async () => {
    const { error } = await read(await ask(send(`event: error\n${sseEvent({ message: 'Broken', code: 'x' })}`)))
    assert.deepEqual([error.message, error.code], ['Broken', 'x'])
  })

  it('is the client’s alone where it is about the request: nobody is asked again, and no breaker opens', async () => {
    const error = { code: 'context_length_exceeded', message: 'Your input exceeds the context window.' }
    const failed = { type: 'response.failed', response: { id: 'r', status: 'failed', output: [], error } }
    const breaking = { BREAKER_MIN_REQUESTS: '1', BREAKER_FAILURE_RATE: '0.01' }
    const { proxy, upstream } = await on.pair([stream([failed])], { env: { MAX_ATTEMPTS: '3', ...breaking } })
    const seen = await read(await post(`${proxy.base}/responses`, { model: 'm', input: 'x' }))
    assert.deepEqual(seen, { status: 400, error: { ...error, type: 'invalid_request_error', param: null } })
    assert.equal(upstream.requests.length, 1)
    assert.equal(statusOf(proxy)[0]?.state, 'closed')
  })

  it('keeps its Retry-After, and rests the upstream', async () => {
    const error = { message: 'Slow down', code: 429, metadata: { headers: { 'Retry-After': '7' } } }
    const { proxy, upstream } = await on.pair([stream([role ?? '', { error }])], { env })
    const response = await post(proxy.chat, question)
    assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '7'])
    assert.equal(statusOf(proxy)[0]?.resting, true)
    const next = await post(proxy.chat, question)
    assert.deepEqual([next.status, next.headers.get('retry-after')], [503, '7'])
    assert.equal(upstream.requests.length, 1)
  })

  it('rests the upstream for as long as only the body of a refusal says, as Google writes it', async () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '31s' }]
    const refusal = answer(429, JSON.stringify([{ error: { message: 'Slow down', code: 429, details } }]))
    const { proxy } = await on.pair([refusal], { env })
    const response = await post(proxy.chat, question)
    assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '31'])
    assert.equal(statusOf(proxy)[0]?.resting, true)
  })

  it('is not quoted where it quotes the key that is configured for the upstream', async () => {
    const key = 'sk-operators-own'
    const error = { message: `Incorrect API key provided: ${key}`, code: 401 }
    for (const step of [stream([{ error }]), answer(200, { error })]) {
      const { proxy } = await on.pair([step], { env: { ...env, UPSTREAM_API_KEY: key } })
      const response = await post(proxy.chat, question)
      assert.equal(response.status, 401)
      assert.doesNotMatch(await response.text(), /operators/)
    }
  })

  it('may come as JSON instead of a stream', async () => {
    const { status } = await read(await ask(answer(200, { error: { message: 'No', code: 'rate_limit_exceeded' } })))
    assert.equal(status, 429)
  })

  it('null is none', async () => {
    const events = saying('fine').map((event) => ({ ...event, error: null }))
    assert.equal((await ask(stream(events, { done: true }))).status, 200)
  })

  it('frees the upstream at once, which need not have ended', async () => {
    const { proxy, upstream } = await on.pair([head(), stream([{ error: overloaded }]), () => new Promise(() => {})], {
      env,
    })
    await post(proxy.chat, question)
    assert.equal(await (await upstream.next()).closed, 'client')
  })

  it('counts against the upstream by its status', async () => {
    const codes = [429, 400, 500, undefined]
    const { proxy } = await on.pair(
      codes.map((code) => [stream([{ error: { message: 'x', code } }])]),
      { env },
    )
    for (const _ of codes) await post(proxy.chat, question)
    const count = (outcome: string) => metric(proxy, 'proxy_upstream_attempts_total', { outcome })
    await proxy.line(() => proxy.lines.length === codes.length)
    assert.deepEqual(await Promise.all(['rate_limited', 'client_error', 'server_error'].map(count)), [1, 1, 2])
  })
})
