import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { chunk, said, saying, usageChunk } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { answer, cut, hang, head, send, stream } from '../support/steps.ts'
import type { Script, Upstream } from '../support/upstream.ts'
import { setting } from './setting.ts'

const ask = { model: 'test-model', messages: [{ role: 'user' as const, content: 'What is the answer?' }] }
const theirs = { message: 'No such thing.', type: 'invalid_request_error', param: 'messages', code: 'their_code' }
const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 }

const tool = (index: number, id: string | undefined, name: string | undefined, text: string) =>
  chunk({
    tool_calls: [
      { index, ...(id ? { id, type: 'function' } : {}), function: { ...(name ? { name } : {}), arguments: text } },
    ],
  })

const responded = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'forty-two', annotations: [] }],
    },
  ],
}

describe('the official SDK', () => {
  const on = setting()
  let client: OpenAI
  let upstream: Upstream

  async function start(script: Script, env: Record<string, string> = {}) {
    const started = await on.pair(script, { env })
    upstream = started.upstream
    client = new OpenAI({ baseURL: started.proxy.base, apiKey: 'client-key' })
    return started.proxy
  }

  it('gets a plain answer', async () => {
    await start([stream([...saying('forty', '-two'), usageChunk(7, 2)], { done: true })])
    const { data, response, request_id } = await client.chat.completions.create(ask).withResponse()
    assert.deepEqual({ ...data }, said('forty-two', { usage }))
    assert.equal(request_id, response.headers.get('x-request-id'))
    const { headers, json } = await upstream.next()
    assert.equal(headers.authorization, 'Bearer client-key')
    assert.equal(json.stream, true)
  })

  it('reads a stream event by event', async () => {
    await start([stream([...saying('forty', '-two'), usageChunk(7, 2)], { done: true })])
    const events = await client.chat.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let total: number | undefined
    for await (const event of events) {
      text += event.choices[0]?.delta.content ?? ''
      total = event.usage?.total_tokens
    }
    assert.deepEqual([text, total], ['forty-two', 9])
  })

  it('collects a stream with its own helper to what the proxy collects', async () => {
    await start([stream(saying('forty', '-two'), { done: true })])
    const collected = await client.chat.completions.stream(ask).finalChatCompletion()
    const { choices } = await client.chat.completions.create(ask)
    assert.equal(collected.choices[0]?.message.content, choices[0]?.message.content)
    assert.equal(collected.choices[0]?.finish_reason, choices[0]?.finish_reason)
  })

  it('gets whole tool calls', async () => {
    const events = [
      tool(0, 'call_a', 'add', '{"a":'),
      tool(1, 'call_b', 'sub', ''),
      tool(0, undefined, undefined, '1}'),
      tool(1, undefined, undefined, '{}'),
    ]
    await start([stream([...events, chunk({}, { finish: 'tool_calls' })], { done: true })])
    const { choices } = await client.chat.completions.create(ask)
    const calls = choices[0]?.message.tool_calls ?? []
    assert.deepEqual(
      calls.map((call) => call.type === 'function' && [call.id, call.function.name, call.function.arguments]),
      [
        ['call_a', 'add', '{"a":1}'],
        ['call_b', 'sub', '{}'],
      ],
    )
  })

  it('gets each of several choices', async () => {
    const events = [0, 1, 0, 1].map((index, at) =>
      chunk({ content: `${index}${at < 2 ? 'a' : 'b'}` }, { index, finish: at < 2 ? null : 'stop' }),
    )
    await start([stream(events, { done: true })])
    const { choices } = await client.chat.completions.create({ ...ask, n: 2 })
    assert.deepEqual(
      choices.map(({ message }) => message.content),
      ['0a0b', '1a1b'],
    )
  })

  it('frees the upstream when it aborts', async () => {
    await start([send(`data: ${JSON.stringify(chunk({ content: 'a' }))}\n\n`), hang])
    const events = await client.chat.completions.create({ ...ask, stream: true })
    const request = await upstream.next()
    for await (const _ of events) break
    assert.equal(await request.closed, 'client')
    const aborted = new AbortController()
    const plain = client.chat.completions.create(ask, { signal: aborted.signal })
    const second = await upstream.next()
    aborted.abort()
    await assert.rejects(plain, OpenAI.APIUserAbortError)
    assert.equal(await second.closed, 'client')
  })

  for (const [status, kind] of [
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [422, OpenAI.UnprocessableEntityError],
  ] as const) {
    it(`raises the upstream’s ${status} as its own class, without another try`, async () => {
      await start([answer(status, { error: theirs })])
      await assert.rejects(client.chat.completions.create(ask), (error) => {
        assert.ok(error instanceof kind)
        assert.deepEqual(
          [error.status, error.code, error.param, error.type],
          [status, 'their_code', 'messages', theirs.type],
        )
        assert.match(error.message, /No such thing/)
        return true
      })
      assert.equal(upstream.requests.length, 1)
    })
  }

  for (const [name, steps, status] of [
    ['500', [answer(500, { error: theirs })], 500],
    ['408', [answer(408, { error: theirs })], 408],
    ['a truncated stream', [stream([chunk({ content: 'a' })])], 502],
    ['a cut', [cut], 502],
    ['an error in the stream', [stream([{ error: theirs }])], 502],
  ] as [string, Step[], number][]) {
    it(`adds no tries of its own to those of the proxy after ${name}`, async () => {
      await start(steps, { MAX_ATTEMPTS: '2' })
      await assert.rejects(client.chat.completions.create(ask), { status })
      assert.equal(upstream.requests.length, 2)
    })
  }

  it('waits as the upstream asks, and comes again, after a 429', async () => {
    const limited = answer(429, { error: theirs }, { 'retry-after-ms': '20' })
    await start([[limited], [stream(saying('hi'))]], { MAX_ATTEMPTS: '1' })
    const { choices } = await client.chat.completions.create(ask, { maxRetries: 1 })
    assert.equal(choices[0]?.message.content, 'hi')
  })

  it('raises an error in the middle of a stream', async () => {
    await start([head(), stream([...saying('a').slice(0, 2)]), cut])
    const events = await client.chat.completions.create({ ...ask, stream: true })
    let text = ''
    await assert.rejects(
      async () => {
        for await (const event of events) text += event.choices[0]?.delta.content ?? ''
      },
      (error) => error instanceof OpenAI.APIError && error.code === 'upstream_truncated',
    )
    assert.equal(text, 'a')
  })

  it('speaks the Responses API', async () => {
    const events = [
      { type: 'response.created', response: { ...responded, status: 'in_progress', output: [] }, sequence_number: 0 },
      { type: 'response.completed', response: responded, sequence_number: 1 },
    ]
    await start([stream(events, { named: true })])
    const response = await client.responses.create({ model: 'm', input: 'x' })
    assert.deepEqual([response.id, response.output_text], ['resp_1', 'forty-two'])
    const types: string[] = []
    for await (const event of await client.responses.create({ model: 'm', input: 'x', stream: true }))
      types.push(event.type)
    assert.deepEqual(types, ['response.created', 'response.completed'])
  })

  it('speaks the legacy API', async () => {
    const piece = (text: string, finish_reason: string | null) => ({
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1,
      model: 'm',
      choices: [{ text, index: 0, logprobs: null, finish_reason }],
    })
    await start([stream([piece('forty', null), piece('-two', 'stop')], { done: true })])
    const { choices } = await client.completions.create({ model: 'm', prompt: 'x' })
    assert.equal(choices[0]?.text, 'forty-two')
    let text = ''
    for await (const part of await client.completions.create({ model: 'm', prompt: 'x', stream: true }))
      text += part.choices[0]?.text
    assert.equal(text, 'forty-two')
  })

  it('reads streams that were made of plain answers', async () => {
    await start(({ path }) => [answer(200, path.endsWith('/responses') ? responded : said('forty-two', { usage }))])
    const collected = await client.chat.completions.stream(ask).finalChatCompletion()
    assert.equal(collected.choices[0]?.message.content, 'forty-two')
    const response = await client.responses.stream({ model: 'm', input: 'x' }).finalResponse()
    assert.equal(response.output_text, 'forty-two')
  })

  it('gets embeddings and models', async () => {
    await start(({ path }) => [
      answer(
        200,
        path.endsWith('/embeddings')
          ? { object: 'list', data: [{ index: 0, embedding: [0.5] }] }
          : { object: 'list', data: [{ id: 'a/b' }] },
      ),
    ])
    const { data } = await client.embeddings.create({ model: 'm', input: 'x', encoding_format: 'float' })
    assert.deepEqual(data[0]?.embedding, [0.5])
    const ids: string[] = []
    for await (const { id } of client.models.list()) ids.push(id)
    assert.deepEqual(ids, ['a/b'])
    await client.models.retrieve('a/b')
    assert.equal(upstream.requests.at(-1)?.path, '/v1/models/a%2Fb')
  })
})
