import assert from 'node:assert/strict'
import { chunk, said, saying, sseEvent, usageChunk } from '../support/chunks.ts'
import { post, question } from '../support/proxy.ts'
import { answer, head, inPieces, stream, streamOnly, withoutStreamOptions } from '../support/steps.ts'
import { assertError, setting } from './setting.ts'

const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 }

function textChunk(text: string, finish: string | null = null) {
  const choices = [{ text, index: 0, logprobs: null, finish_reason: finish }]
  return { id: 'cmpl-1', object: 'text_completion', created: 1_700_000_000, model: 'gpt-test', choices }
}

const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_700_000_000,
  status: 'completed',
  model: 'gpt-test',
  output: [{ id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'forty-two' }] }],
  usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 },
}

function responseEvents(last: object) {
  return [
    { type: 'response.created', response: { id: 'resp_1', status: 'in_progress', output: [] } },
    { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'forty-two' },
    last as Record<string, unknown>,
  ]
}

describe('un-streaming', () => {
  const on = setting()

  it('answers a plain chat request with the fold of the events', async () => {
    const { proxy, upstream } = await on.pair(
      streamOnly([head(), stream([...saying('forty', '-two'), usageChunk(7, 2)], { done: true })]),
    )
    const answer = await post(proxy.chat, question)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.deepEqual(await answer.json(), said('forty-two', { usage }))
    const { method, path, json, headers } = await upstream.next()
    assert.deepEqual([method, path], ['POST', '/v1/chat/completions'])
    assert.deepEqual(json, { ...question, stream: true, stream_options: { include_usage: true } })
    assert.equal(headers.accept, 'text/event-stream, application/json')
  })

  it('folds the legacy API', async () => {
    const { proxy, upstream } = await on.pair([
      stream([textChunk('forty'), textChunk('-two', 'stop'), { ...textChunk(''), choices: [], usage }], { done: true }),
    ])
    const answer = await post(`${proxy.base}/completions`, { model: 'm', prompt: 'x' })
    assert.deepEqual(await answer.json(), { ...textChunk('forty-two', 'stop'), usage })
    assert.equal((await upstream.next()).path, '/v1/completions')
  })

  for (const type of ['response.completed', 'response.incomplete']) {
    it(`answers with the response of ${type}`, async () => {
      const { proxy, upstream } = await on.pair([stream(responseEvents({ type, response }), { named: true })])
      const answer = await post(`${proxy.base}/responses`, { model: 'm', input: 'x' })
      assert.equal(answer.status, 200)
      assert.deepEqual(await answer.json(), response)
      const { json, path } = await upstream.next()
      assert.deepEqual([path, json], ['/v1/responses', { model: 'm', input: 'x', stream: true }])
    })
  }

  it('turns response.failed into its error', async () => {
    const failed = { ...response, status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Slow down.' } }
    const { proxy } = await on.pair([stream(responseEvents({ type: 'response.failed', response: failed }))], {
      env: { MAX_ATTEMPTS: '1' },
    })
    const { error } = await assertError(
      await post(`${proxy.base}/responses`, { model: 'm', input: 'x' }),
      429,
      'rate_limit_exceeded',
    )
    assert.equal(error.message, 'Slow down.')
  })

  it('calls a Responses stream without its terminal event truncated', async () => {
    const { proxy } = await on.pair([stream(responseEvents({ type: 'response.in_progress' }), { done: true })], {
      env: { MAX_ATTEMPTS: '1' },
    })
    await assertError(await post(`${proxy.base}/responses`, { model: 'm', input: 'x' }), 502, 'upstream_truncated')
  })

  it('folds a body that comes byte by byte', async () => {
    const body = [...saying('Grüße, ', '🙂'), '[DONE]'].map((event) => sseEvent(event, { eol: '\r\n' })).join('')
    const { proxy } = await on.pair([inPieces(body, 1)])
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('Grüße, 🙂'))
  })

  it('keeps several choices apart', async () => {
    const events = [1, 0].map((index) => chunk({ content: `choice ${index}` }, { index, finish: 'length' }))
    const { proxy } = await on.pair([stream(events, { done: true })])
    const { choices } = (await (await post(proxy.chat, { ...question, n: 2 })).json()) as {
      choices: { index: number; message: { content: string } }[]
    }
    assert.deepEqual(
      choices.map(({ index, message }) => [index, message.content]),
      [
        [0, 'choice 0'],
        [1, 'choice 1'],
      ],
    )
  })

  it('asks again without stream_options where they are refused, and remembers', async () => {
    const { proxy, upstream } = await on.pair(withoutStreamOptions([stream(saying('hi'), { done: true })]), {
      env: { MAX_ATTEMPTS: '1' },
    })
    for (let count = 0; count < 2; count++) {
      const answer = await post(proxy.chat, question)
      assert.deepEqual(await answer.json(), said('hi'))
    }
    assert.deepEqual(
      upstream.requests.map(({ json }) => 'stream_options' in json),
      [true, false, false],
    )
  })

  it('asks again without stream_options where a stream of status 200 refuses them', async () => {
    const error = { message: 'Unknown member.', type: 'BadRequestError', param: 'stream_options', code: 400 }
    const answers = [[stream([{ error }])], [stream(saying('hi'), { done: true })]]
    const { proxy, upstream } = await on.pair(answers, { env: { MAX_ATTEMPTS: '1' } })
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('hi'))
    assert.deepEqual(
      upstream.requests.map(({ json }) => 'stream_options' in json),
      [true, false],
    )
  })

  for (const [name, status, refusals, message] of [
    ['404 to a model that has the name of the option', 404, 1, 'The model `include_usage` does not exist.'],
    ['400 to an option of the client’s own', 400, 2, 'Unknown parameter: stream_options.foo.'],
  ] as const) {
    it(`takes no ${name} for a refusal of what it has added`, async () => {
      const refusal = answer(status, { error: { message, type: 'invalid_request_error', param: null, code: null } })
      const answers = [...Array(refusals).fill([refusal]), [stream(saying('hi'), { done: true })]]
      const { proxy, upstream } = await on.pair(answers, { env: { MAX_ATTEMPTS: '1' } })
      assert.equal((await post(proxy.chat, { ...question, stream_options: { foo: true } })).status, status)
      assert.equal(upstream.requests.length, refusals)
      assert.deepEqual(await (await post(proxy.chat, question)).json(), said('hi'))
      assert.deepEqual(upstream.requests.at(-1)?.json.stream_options, { include_usage: true })
    })
  }

  it('passes on the refusal of stream_options that the client itself has set', async () => {
    const { proxy, upstream } = await on.pair(withoutStreamOptions([stream([])]))
    const answer = await post(proxy.chat, { ...question, stream_options: { include_usage: true } })
    assert.equal(answer.status, 400)
    assert.equal(upstream.requests.length, 1)
  })

  it('names where the answer came from and where the time went', async () => {
    const { proxy, upstream } = await on.pair([stream(saying('hi'), { done: true })])
    const { headers } = await post(proxy.chat, question, { headers: { 'x-request-id': 'given-by-client' } })
    assert.equal(headers.get('x-request-id'), 'given-by-client')
    assert.equal(headers.get('x-proxy-attempts'), '1')
    assert.equal(headers.get('x-proxy-upstream'), `127.0.0.1:${upstream.port}`)
    assert.match(headers.get('server-timing') ?? '', /^proxy;dur=\d+\.\d, upstream;dur=\d+\.\d$/)
    assert.equal((await upstream.next()).headers['x-request-id'], 'given-by-client')
  })
})
