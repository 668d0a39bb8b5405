import assert from 'node:assert/strict'
import { chunk, saying, sseBody, usageChunk } from '../support/chunks.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { hang, stream } from '../support/steps.ts'
import { assertError, metric, ReadClock, Spoken, setting, until } from './setting.ts'

const told = { usage: { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42 } }

/** OpenAI's notation: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers */
const duration = /^(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?s|\d+ms)$/

describe('the limits of a client, from outside', () => {
  const on = setting()

  const ask = (chat: string, body: object = question, signal: AbortSignal | null = null) =>
    post(chat, body, { headers: { authorization: 'Bearer provider-key-0123456789' }, signal })

  const remaining = (response: Response, what: string) => Number(response.headers.get(`x-ratelimit-remaining-${what}`))

  it('are shown in OpenAI’s headers, and charged with what an answer used', async () => {
    const { proxy } = await on.pair([stream([...saying('well'), usageChunk(30, 12)], { done: true })], {
      env: { RATE_LIMIT_REQUESTS: '10', RATE_LIMIT_TOKENS: '100', RATE_LIMIT_CONCURRENCY: '5' },
    })
    const first = await ask(proxy.chat)
    await first.text()
    assert.deepEqual([remaining(first, 'requests'), remaining(first, 'tokens')], [9, 100])
    const second = await ask(proxy.chat)
    await second.text()
    assert.deepEqual([remaining(second, 'requests'), remaining(second, 'tokens')], [8, 58])
    for (const what of ['requests', 'tokens']) {
      assert.match(second.headers.get(`x-ratelimit-reset-${what}`) ?? '', duration)
    }
    assert.deepEqual(
      [second.headers.get('x-ratelimit-limit-requests'), second.headers.get('x-ratelimit-limit-tokens')],
      ['10', '100'],
    )
    for (const limit of ['requests', 'tokens', 'concurrency']) {
      assert.equal(await metric(proxy, 'proxy_rate_limit_decisions_total', { limit, decision: 'allowed' }), 2, limit)
    }
  })

  for (const [route, body, events] of [
    [
      'chat/completions',
      question,
      [
        chunk({ content: 'well' }),
        { ...chunk({}, { finish: 'error' }), ...told, error: { message: 'gone', code: 502 } },
      ],
    ],
    [
      'responses',
      { model: 'm', input: 'hi' },
      [
        {
          type: 'response.failed',
          response: {
            status: 'failed',
            error: { code: 'server_error' },
            usage: { input_tokens: 30, output_tokens: 12 },
          },
        },
      ],
    ],
  ] as const) {
    it(`charge what a failed answer of ${route} says that it has used`, async () => {
      const { proxy } = await on.pair([stream([...events])], { env: { MAX_ATTEMPTS: '1', RATE_LIMIT_TOKENS: '100' } })
      const failed = await ask(`${proxy.base}/${route}`, body)
      await failed.text()
      assert.equal(failed.status, 502)
      const second = await ask(`${proxy.base}/${route}`, body)
      await second.text()
      assert.equal(remaining(second, 'tokens'), 58)
    })
  }

  it('are shown with a refusal of the body, too, which costs a request and no tokens', async () => {
    const { proxy, upstream } = await on.pair([hang], { env: { RATE_LIMIT_REQUESTS: '10', RATE_LIMIT_TOKENS: '100' } })
    const response = await ask(proxy.chat, { model: 5 })
    assert.deepEqual([remaining(response, 'requests'), remaining(response, 'tokens')], [9, 100])
    await assertError(response, 400, 'invalid_request')
    assert.equal(upstream.requests.length, 0)
  })

  it('refuse when the tokens of the minute are used up, and say when to come again', async () => {
    const { proxy, upstream } = await on.pair([stream([...saying('well'), usageChunk(90, 20)], { done: true })], {
      env: { RATE_LIMIT_TOKENS: '100' },
    })
    await (await ask(proxy.chat)).text()
    const refused = await ask(proxy.chat)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal(remaining(refused, 'tokens'), 0)
    await assertError(refused, 429, 'rate_limit_exceeded')
    assert.equal(upstream.requests.length, 1)
  })

  it('are those of its address where the key that goes upstream is the operator’s, in a header as well', async () => {
    const upstream = await on.upstream([stream(saying('well'), { done: true })])
    const config = JSON.stringify({ upstreams: [{ url: upstream.base, headers: { Authorization: 'Bearer own' } }] })
    const proxy = await on.proxy([], { config, env: { RATE_LIMIT_REQUESTS: '1' } })
    await (await ask(proxy.chat)).text()
    const another = await post(proxy.chat, question, { headers: { authorization: 'Bearer invented' } })
    await assertError(another, 429, 'rate_limit_exceeded')
  })

  for (const asStream of [false, true]) {
    const kind = asStream ? 'streamed' : 'folded'

    /** A request under way whose answer is spoken, with a hundred tokens to be had. */
    async function asked() {
      const clock = new ReadClock()
      const spoken = new Spoken(clock)
      const { proxy, upstream } = await on.pair([[spoken.step], [stream(saying('well'), { done: true })]], {
        env: { RATE_LIMIT_TOKENS: '100' },
        clock,
      })
      const leaving = new AbortController()
      const body = { ...question, stream: asStream }
      const answer = ask(proxy.chat, body, leaving.signal).then((response) => response.text())
      const leave = () => {
        leaving.abort()
        return assert.rejects(answer, { name: 'AbortError' })
      }
      const { closed } = await upstream.next()
      return { clock, spoken, proxy, leave, closed }
    }

    /** The line of the client that left, once its 42 tokens have been charged. */
    async function chargedFor(proxy: RunningProxy): Promise<Record<string, unknown>> {
      const line = await proxy.line(({ msg, status }) => msg === 'request' && status === 499)
      const next = await ask(proxy.chat)
      await next.text()
      assert.equal(remaining(next, 'tokens'), 58)
      return line
    }

    it(`charge a client that left early what the ${kind} stream had told by then`, async () => {
      const { spoken, proxy, leave, closed } = await asked()
      // vLLM's continuous_usage_stats: each chunk says what has been used so far.
      await spoken.say(sseBody([chunk({ content: 'a' }, { with: told })]))
      await leave()
      await closed
      await chargedFor(proxy)
    })

    it(`charge a client that left at the end of a ${kind} answer what is told of it behind that`, async () => {
      const { clock, spoken, proxy, leave, closed } = await asked()
      await spoken.say(sseBody(saying('well')))
      const before = clock.pending
      await leave()
      await until(() => clock.pending > before)
      await spoken.say(sseBody([usageChunk(30, 12)], { done: true }))
      spoken.end()
      assert.equal(await closed, 'whole')
      const line = await chargedFor(proxy)
      assert.deepEqual([line.input_tokens, line.output_tokens], [30, 12])
      assert.equal(await metric(proxy, 'proxy_upstream_attempts_total', { outcome: 'ok' }), 2)
    })
  }
})
