import assert from 'node:assert/strict'
import { said, saying, sseBody, sseEvent, usageChunk } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question } from '../support/proxy.ts'
import { answer, compressed, cut, flood, head, inPieces, raw, send, stream } from '../support/steps.ts'
import { assertError, setting } from './setting.ts'

const env = { MAX_ATTEMPTS: '1', MAX_ANSWER_BYTES: '65536', MAX_EVENT_BYTES: '4096' }
const whole = sseBody(saying('forty', '-two'), { done: true })
const json = JSON.stringify(said('forty-two', { seed: 1 }))
const types = ['text/event-stream', 'application/json', 'text/plain', 'text/html', 'application/x-ndjson']

describe('what an upstream sends under 200', () => {
  const on = setting()

  async function ask(...steps: Step[]) {
    const { proxy } = await on.pair(steps, { env })
    return post(proxy.chat, question)
  }

  for (const type of types) {
    it(`events are told by their bytes, under ${type} too`, async () => {
      assert.deepEqual(await (await ask(answer(200, whole, { 'content-type': type }))).json(), said('forty-two'))
    })

    it(`JSON is told by its bytes, under ${type} too`, async () => {
      const response = await ask(answer(200, json, { 'content-type': type }))
      assert.equal(response.headers.get('content-type'), 'application/json')
      assert.equal(await response.text(), json)
    })
  }

  it('events behind white space, which kept the connection open, are all there', async () => {
    const body = sseBody(saying('forty', '-two').slice(1), { done: true })
    assert.deepEqual(await (await ask(send('  '), send(` ${body}`))).json(), said('forty-two'))
  })

  it('JSON is passed on as it was written', async () => {
    const text = '  {"choices": [], "id":"x\\u00e9", "n": 1.0, "seed": 12345678901234567890 , "id":"y"}\r\n'
    assert.equal(await (await ask(answer(200, text))).text(), text)
  })

  it('JSON behind a byte order mark is JSON', async () => {
    assert.deepEqual(await (await ask(answer(200, `\ufeff${json}`))).json(), JSON.parse(json))
  })

  it('JSON may come byte by byte', async () => {
    assert.equal(await (await ask(head(200, {}), inPieces(json, 1))).text(), json)
  })

  for (const encoding of ['gzip', 'br', 'zstd', 'deflate'] as const) {
    it(`events compressed with ${encoding} are folded`, async () => {
      assert.deepEqual(await (await ask(compressed(encoding, whole))).json(), said('forty-two'))
    })

    it(`JSON compressed with ${encoding} is passed on plain`, async () => {
      const response = await ask(compressed(encoding, json, { 'content-type': 'application/json' }))
      assert.equal(response.headers.get('content-encoding'), null)
      assert.equal(await response.text(), json)
    })
  }

  for (const coding of ['none', 'utf-8']) {
    it(`events are read under the coding ${coding}, which is none`, async () => {
      const response = await ask(answer(200, whole, { 'content-encoding': coding }))
      assert.deepEqual(await response.json(), said('forty-two'))
    })
  }

  it('a coding may stand in the head twice', async () => {
    const twice = 'HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-encoding: identity\r\n\r\n'
    assert.deepEqual(await (await ask(raw(twice + whole), cut)).json(), said('forty-two'))
  })

  it('a coding that nobody knows is invalid', async () => {
    await assertError(await ask(answer(200, whole, { 'content-encoding': 'snappy' })), 502, 'upstream_invalid')
  })

  it('bytes that are not what the coding says are invalid', async () => {
    await assertError(await ask(answer(200, whole, { 'content-encoding': 'gzip' })), 502, 'upstream_invalid')
  })

  for (const body of [{}, { status: 'ok' }, { choices: null }, { object: 'response', output: [] }]) {
    it(`JSON that is no answer is invalid: ${JSON.stringify(body)}`, async () => {
      await assertError(await ask(answer(200, body)), 502, 'upstream_invalid')
    })
  }

  it('a page of HTML is invalid, and not shown', async () => {
    const page = '<html><h1>Welcome to gateway.internal</h1></html>'
    const { error } = await assertError(await ask(answer(200, page)), 502, 'upstream_invalid')
    assert.doesNotMatch(error.message, /gateway/)
  })

  for (const [name, data] of [
    ['no JSON', 'hello'],
    ['half a JSON', '{"choices":['],
    ['no object', '[1]'],
  ] as const) {
    it(`an event that is ${name} is invalid`, async () => {
      await assertError(await ask(stream([...saying('x'), data], { done: true })), 502, 'upstream_invalid')
    })
  }

  for (const [name, steps] of [
    ['bytes that are not HTTP', [raw('SSH-2.0-OpenSSH_9.2\r\n'), cut]],
    ['a status line that is none', [raw('HTTP/1.1 two hundred OK\r\n\r\n'), cut]],
    ['a 100 that nobody asked for', [raw('HTTP/1.1 100 Continue\r\n\r\n'), stream(saying('hi'))]],
    ['a change of protocol', [raw('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'), cut]],
    ['two lengths that differ', [raw('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'), cut]],
    ['a length and chunks', [raw('HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n'), cut]],
    ['a chunk without a size', [raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'), cut]],
  ] as [string, Step[]][]) {
    it(`${name} is invalid`, async () => {
      await assertError(await ask(...steps), 502, 'upstream_invalid')
    })
  }

  for (const [name, steps] of [
    ['an empty body', [answer(200, '')]],
    ['an empty event stream', [stream([])]],
    ['nothing but comments', [send(': hello\n\n: bye\n\n')]],
    ['nothing but [DONE]', [stream([], { done: true })]],
    ['nothing but white space', [answer(200, ' \n\n ')]],
    ['204', [answer(204, '')]],
  ] as [string, Step[]][]) {
    it(`${name} is truncated`, async () => {
      await assertError(await ask(...steps), 502, 'upstream_truncated')
    })
  }

  for (const [how, steps] of [
    ['without end', [send('data: '), flood(100_000, 'x'.repeat(1000))]],
    ['that comes whole', [send(`data: ${'x'.repeat(5000)}\n\n`)]],
  ] as [string, Step[]][]) {
    it(`an event over MAX_EVENT_BYTES ${how} is too large, and the error names that cap`, async () => {
      const { error } = await assertError(await ask(...steps), 502, 'upstream_too_large')
      assert.match(error.message, /MAX_EVENT_BYTES/)
      assert.doesNotMatch(error.message, /MAX_ANSWER_BYTES/)
    })
  }

  for (const stream of [false, true]) {
    it(`a response may hold in one event all that an answer may, ${stream ? 'streamed' : 'folded'}`, async () => {
      const item = { id: 'ig_1', type: 'image_generation_call', status: 'completed', result: 'x'.repeat(50_000) }
      const response = { id: 'resp_1', object: 'response', status: 'completed', output: [item] }
      const done = { type: 'response.output_item.done', output_index: 0, item }
      const events = sseBody([done, { type: 'response.completed', response }], { named: true })
      const { proxy } = await on.pair([send(events)], { env })
      const answered = await post(`${proxy.base}/responses`, { model: 'm', input: 'hi', stream })
      assert.equal(await answered.text(), stream ? events : JSON.stringify(response))
    })

    it(`a response over MAX_ANSWER_BYTES is too large, ${stream ? 'streamed' : 'folded'}`, async () => {
      const { proxy } = await on.pair([send('data: '), flood(10_000_000, 'x'.repeat(1000))], { env })
      const answered = await post(`${proxy.base}/responses`, { model: 'm', input: 'hi', stream })
      await assertError(answered, 502, 'upstream_too_large')
    })
  }

  it('an answer over MAX_ANSWER_BYTES is too large', async () => {
    const event = sseEvent({ choices: [{ index: 0, delta: { content: 'x'.repeat(1000) } }] })
    await assertError(await ask(head(), flood(10_000_000, event)), 502, 'upstream_too_large')
  })

  it('a JSON answer over MAX_ANSWER_BYTES is too large', async () => {
    const response = await ask(head(200, {}), send('{"x":"'), flood(10_000_000, 'x'.repeat(1000)))
    await assertError(response, 502, 'upstream_too_large')
  })

  it('what follows [DONE] is noise', async () => {
    const noise = 'data: {"error":{"message":"late"}}\n\ndata: not JSON\n\n'
    assert.deepEqual(await (await ask(send(whole + noise), flood(100_000, noise))).json(), said('forty-two'))
  })

  it('the counts behind the finish reason are waited for', async () => {
    const body = sseBody([...saying('hi'), usageChunk(3, 2)])
    const { usage } = (await (await ask(head(), inPieces(body, 50))).json()) as { usage: object }
    assert.deepEqual(usage, { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 })
  })

  it('early hints are no answer', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'
    assert.deepEqual(await (await ask(raw(hints + hints), stream(saying('hi')))).json(), said('hi'))
  })
})
