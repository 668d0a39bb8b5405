import assert from 'node:assert/strict'
import { chunk, said, saying, sseBody, sseEvent, usageChunk } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, compressed, head, inPieces, send, wait } from '../support/steps.ts'
import { setting } from './setting.ts'

const streamed = { ...question, stream: true }
const plain = sseBody(saying('Grüß', ' Gott 🙂'), { done: true })

/** Bytes of all kinds that a reader of events must take, none of which the proxy may change. */
const odd = [
  '\ufeff: a comment first\n\n',
  `event: message\r\nid: 1\r\nretry: 10\r\ndata:${JSON.stringify(chunk({ content: 'a' }))}\r\n\r\n`,
  `data:   ${JSON.stringify(chunk({ content: 'b' }), undefined, 1)
    .split('\n')
    .join('\ndata: ')}\n\n\n\n`,
  `${sseEvent(chunk({ content: 'c' }), { eol: '\r' })}: between\r\r`,
  'unknown: field\ndata\n\n',
  `${sseEvent(chunk({}, { finish: 'stop' }))}data: [DONE]\n\n: noise\n\ndata: more noise`,
].join('')

describe('a stream that is passed through', () => {
  const on = setting()

  async function ask(steps: readonly Step[], env: Record<string, string> = {}, body: object = streamed) {
    const started = await on.pair(steps, { env })
    return { ...started, response: await post(started.proxy.chat, body) }
  }

  async function bytesOf(response: Response): Promise<string> {
    return Buffer.from(await response.arrayBuffer()).toString()
  }

  for (const [name, body] of [
    ['ordinary', plain],
    ['CRLF', sseBody(saying('a', 'b'), { done: true, eol: '\r\n' })],
    ['CR', sseBody(saying('a', 'b'), { done: true, eol: '\r' })],
    ['odd', odd],
    ['behind white space', ` \t\r\n  ${plain}`],
    ['of the Responses API', sseBody([{ type: 'response.completed', response: { id: 'r' } }], { named: true })],
  ] as const) {
    for (const [how, steps] of [
      ['whole', [send(body)]],
      ['in pieces of 7', [head(), inPieces(body, 7)]],
      ['byte by byte', [head(), inPieces(body, 1)]],
    ] as [string, Step[]][]) {
      it(`keeps its bytes: ${name}, ${how}`, async () => {
        const { response } = await ask(steps)
        assert.equal(response.status, 200)
        assert.equal(await bytesOf(response), body)
      })
    }
  }

  it('has the headers of an event stream, whatever the upstream says', async () => {
    const type = { 'content-type': 'text/plain', 'set-cookie': 'a=b', server: 'x', 'openai-processing-ms': '12' }
    const { response, proxy } = await ask([head(200, type), send(plain)])
    const { headers } = response
    assert.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8')
    assert.equal(headers.get('cache-control'), 'no-cache')
    assert.equal(headers.get('x-accel-buffering'), 'no')
    assert.equal(headers.get('x-proxy-attempts'), '1')
    assert.match(headers.get('x-proxy-upstream') ?? '', /^127\.0\.0\.1:/)
    assert.match(headers.get('server-timing') ?? '', /^proxy;dur=[\d.]+, upstream;dur=[\d.]+$/)
    assert.match(headers.get('x-request-id') ?? '', /^[\w-]{36}$/)
    assert.equal(headers.get('openai-processing-ms'), '12')
    assert.deepEqual([headers.get('set-cookie'), headers.get('server')], [null, null])
    await bytesOf(response)
    const line = await proxy.line(({ msg }) => msg === 'request')
    assert.deepEqual([line.mode, line.status, line.response_bytes], ['stream', 200, Buffer.byteLength(plain)])
  })

  it('comes event by event, each before the next was sent', async () => {
    const events = [...saying('a', 'b').map((event) => sseEvent(event)), 'data: [DONE]\n\n']
    const gates = events.map(() => Promise.withResolvers<void>())
    const { response } = await ask([head(), ...events.flatMap((text, at) => [send(text), wait(gates[at]!.promise)])])
    const reader = response.body!.getReader()
    for (const [at, text] of events.entries()) {
      const { value } = await reader.read()
      assert.equal(Buffer.from(value!).toString(), text)
      gates[at]!.resolve()
    }
    assert.equal((await reader.read()).done, true)
  })

  it('holds back half an event until its end has come', async () => {
    const [first = '', second = ''] = saying('a').map((event) => sseEvent(event))
    const gate = Promise.withResolvers<void>()
    const rest = second.slice(9) + sseBody(saying('b'))
    const { response } = await ask([head(), send(first + second.slice(0, 9)), wait(gate.promise), send(rest)])
    const reader = response.body!.getReader()
    assert.equal(Buffer.from((await reader.read()).value!).toString(), first)
    gate.resolve()
    assert.ok(
      Buffer.from((await reader.read()).value!)
        .toString()
        .startsWith(second),
    )
    await drain(reader)
  })

  for (const encoding of ['gzip', 'br', 'zstd', 'deflate'] as const) {
    it(`is decompressed on the way: ${encoding}`, async () => {
      const { response } = await ask([compressed(encoding, plain)])
      assert.equal(response.headers.get('content-encoding'), null)
      assert.equal(await bytesOf(response), plain)
    })
  }

  it('leaves the request alone where it need not be changed', async () => {
    const text =
      '{"stream" : true,"model":"m","seed":12345678901234567890,"messages":[{"role":"user","content":"\\u00e9"}]}'
    const { proxy, upstream } = await on.pair([send(plain)])
    await bytesOf(await post(proxy.chat, text))
    assert.equal((await upstream.next()).body.toString(), text)
  })

  for (const [name, wanted] of [
    ['with the counts that the client asked for', true],
    ['without the counts', false],
  ] as const) {
    it(`is made of a JSON answer, ${name}`, async () => {
      const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
      const body = { ...streamed, stream_options: { include_usage: wanted } }
      const { response } = await ask([answer(200, said('forty-two', { usage }))], {}, body)
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
      const text = await bytesOf(response)
      assert.ok(text.endsWith('data: [DONE]\n\n'))
      assert.equal(text.includes('"prompt_tokens"'), wanted)
      assert.match(text, /"content":"forty-two"/)
    })
  }

  for (const body of [{}, { choices: null }, { success: false }, { object: 'response', output: [] }]) {
    it(`is not made of JSON that is no answer: ${JSON.stringify(body)}`, async () => {
      const { response } = await ask([answer(200, body)])
      assert.equal(response.status, 502)
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'upstream_invalid')
    })
  }

  describe('whose tokens are charged', () => {
    const env = { RATE_LIMIT_TOKENS: '100000' }
    const counted = [...saying('a', 'b'), usageChunk(7, 2)]

    async function logged(proxy: RunningProxy) {
      const line = await proxy.line(({ msg }) => msg === 'request')
      return [line.input_tokens, line.output_tokens]
    }

    it('loses the counts that only the proxy asked for', async () => {
      const { response, upstream, proxy } = await ask([send(sseBody(counted, { done: true }))], env)
      assert.equal(await bytesOf(response), sseBody(saying('a', 'b'), { done: true }))
      assert.deepEqual((await upstream.next()).json.stream_options, { include_usage: true })
      assert.deepEqual(await logged(proxy), [7, 2])
    })

    it('keeps the counts that the client asked for', async () => {
      const body = sseBody(counted, { done: true })
      const asked = { ...streamed, stream_options: { include_usage: true } }
      const { response, proxy } = await ask([send(body)], env, asked)
      assert.equal(await bytesOf(response), body)
      assert.deepEqual(await logged(proxy), [7, 2])
    })

    it('is counted all the same where the client does not want the counts, and loses them', async () => {
      const asked = { ...streamed, stream_options: { include_usage: false } }
      const { response, upstream, proxy } = await ask([send(sseBody(counted, { done: true }))], env, asked)
      assert.equal(await bytesOf(response), sseBody(saying('a', 'b'), { done: true }))
      assert.deepEqual((await upstream.next()).json.stream_options, { include_usage: true })
      assert.deepEqual(await logged(proxy), [7, 2])
    })

    it('is asked for as the client asked where nobody charges', async () => {
      const asked = { ...streamed, stream_options: { include_usage: false } }
      const { response, upstream } = await ask([send(plain)], {}, asked)
      assert.equal(await bytesOf(response), plain)
      assert.deepEqual((await upstream.next()).json.stream_options, { include_usage: false })
    })
  })
})

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}
