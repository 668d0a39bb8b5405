import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import Koa from 'koa'
import { ProxyError } from '../../src/errors.ts'
import type { Context, Facts, Route } from '../../src/facts.ts'
import { parseBody } from '../../src/middleware/body.ts'
import { validate } from '../../src/middleware/validate.ts'

const hello = '{"model":"gpt","messages":[{"role":"user","content":"hello"}]'

interface Request {
  route?: Route
  method?: string
  body?: string | Buffer
  headers?: Record<string, string>
  /** The client has left before the stage begins. */
  gone?: boolean
}

/** Runs the stage alone on a request that has arrived whole; says what it left for the next stages. */
async function run({
  route = '/v1/chat/completions',
  method = 'POST',
  body = '',
  headers = {},
  gone = false,
}: Request) {
  const req = new IncomingMessage(new Socket())
  Object.assign(req, {
    method,
    url: route,
    headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked', ...headers },
  })
  if (gone) req.destroy()
  else req.push(body)
  req.push(null)
  const context = new Koa().createContext(req, new ServerResponse(req))
  const facts: Partial<Facts> = { route, mode: 'plain', parameters: {}, requestBytes: 0 }
  const ctx: Context = Object.assign(context, { state: { facts, signal: new AbortController().signal } })
  let passed = false
  await validate({ maxBodyBytes: 1000 })(ctx, async () => {
    passed = true
  })
  assert.ok(passed, 'the next stage was not called')
  return { facts, body: ctx.state.body, request: ctx.request }
}

const refusal = (code: string, message: RegExp) => (thrown: unknown) => {
  assert.ok(thrown instanceof ProxyError)
  assert.equal(thrown.code, code)
  assert.match(thrown.message, message)
  return true
}

describe('validate', () => {
  it('keeps the exact text, white space, large numbers and member names of all kinds included', async () => {
    const body = ` ${hello},\n "seed" : 12345678901234567890, "x":1.0, "__proto__":{"a":1},"constructor":{"b":2}, "é":"\\u00e9"}\r\n`
    const { body: kept, facts } = await run({ body })
    assert.equal(kept?.text, body)
    assert.ok(Object.hasOwn(kept.value, '__proto__') && Object.hasOwn(kept.value, 'constructor'))
    assert.equal(Object.getPrototypeOf(kept.value), Object.prototype)
    assert.equal(facts.requestBytes, Buffer.byteLength(body))
  })

  it('writes down the model, the mode and the sampling parameters', async () => {
    const asked = '"temperature":0.5,"top_p":0.9,"n":2,"max_tokens":5'
    const { facts } = await run({ body: `${hello},${asked},"stream":true}` })
    assert.equal(facts.model, 'gpt')
    assert.equal(facts.mode, 'stream')
    assert.deepEqual(facts.parameters, { temperature: 0.5, topP: 0.9, choices: 2, maxTokens: 5 })
  })

  it('takes the cap on tokens by whichever name it has', async () => {
    const capOf = async (route: Route, body: string) => (await run({ route, body })).facts.parameters
    assert.deepEqual(await capOf('/v1/chat/completions', `${hello},"max_completion_tokens":7,"max_tokens":5}`), {
      maxTokens: 7,
    })
    assert.deepEqual(await capOf('/v1/responses', '{"model":"m","input":"a","max_output_tokens":9}'), { maxTokens: 9 })
    assert.deepEqual(await capOf('/v1/chat/completions', `${hello},"max_completion_tokens":null,"max_tokens":5}`), {
      maxTokens: 5,
    })
  })

  it('a request without stream, or with null or false, is one to be folded', async () => {
    for (const stream of ['', ',"stream":null', ',"stream":false']) {
      assert.equal((await run({ body: `${hello}${stream}}` })).facts.mode, 'unstream')
    }
  })

  it('embeddings are neither folded nor streamed', async () => {
    const { facts } = await run({ route: '/v1/embeddings', body: '{"model":"m","input":"a","stream":true}' })
    assert.equal(facts.mode, 'plain')
  })

  it('a request without a body to check passes untouched', async () => {
    for (const request of [{ route: '/v1/models', method: 'GET' }, { method: 'GET' }] satisfies Request[]) {
      const { body, facts } = await run({ ...request, body: 'not json', headers: { 'content-type': 'text/plain' } })
      assert.equal(body, undefined)
      assert.equal(facts.requestBytes, 0)
    }
  })

  it('a client that left before its body was read is not waited for', async () => {
    for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
      await assert.rejects(run({ gone: true, headers }), refusal('client_closed_request', /closed the connection/))
    }
  })

  it('does not keep the bytes beside the text', async () => {
    assert.equal((await run({ body: `${hello}}` })).request.body, null)
  })

  it('a fault is told with the parameter that has it', async () => {
    await assert.rejects(run({ body: '{"model":"gpt"}' }), (thrown) => {
      assert.ok(thrown instanceof ProxyError)
      const message = "Missing required parameter: 'messages'."
      const error = { message, type: 'invalid_request_error', param: 'messages', code: 'invalid_request' }
      assert.deepEqual(thrown.toJSON(), { error })
      return thrown.status === 400
    })
  })

  it('JSON that is no object is refused', async () => {
    for (const body of ['[]', 'null', '"text"', '5']) {
      await assert.rejects(run({ body }), refusal('invalid_request', /must be a JSON object/))
    }
  })

  for (const type of [
    'application/json',
    'APPLICATION/JSON; Charset="UTF-8"',
    'application/json;charset=utf8',
    'application/json; charset=us-ascii',
    'application/vnd.acme.chat+json; version=1; charset=utf-8',
  ]) {
    it(`${type} is JSON`, async () => {
      assert.ok((await run({ body: `${hello}}`, headers: { 'content-type': type } })).body)
    })
  }

  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'text/json+xml',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    '',
  ]) {
    it(`a body of type "${type}" is refused`, async () => {
      const request = run({ body: `${hello}}`, headers: { 'content-type': type } })
      await assert.rejects(request, refusal('unsupported_media_type', /application\/json/))
    })
  }

  for (const coding of ['zstd', 'compress', 'gzip, gzip', 'x', '']) {
    it(`the content encoding "${coding}" is refused`, async () => {
      const request = run({ body: `${hello}}`, headers: { 'content-encoding': coding } })
      await assert.rejects(request, refusal('unsupported_media_type', /gzip, deflate or br/))
    })
  }
})

describe('the text of a body', () => {
  const cases: [name: string, bytes: Buffer, code: string, message: RegExp][] = [
    ['nothing', Buffer.from(''), 'invalid_json', /it is empty/],
    ['white space', Buffer.from(' \n'), 'invalid_json', /it is empty/],
    ['a body cut short', Buffer.from('{"model":"m"'), 'invalid_json', /ends before the JSON is complete/],
    ['a wrong token', Buffer.from('{"model":"m",\n "a": secret}'), 'invalid_json', /character 20 \(line 2, column 7\)/],
    ['a long text with a fault', Buffer.from(`"${'a'.repeat(300_000)}" x`), 'invalid_json', /too long to say where/],
    ['bytes that are not UTF-8', Buffer.from('{"a":"\xe9"}', 'latin1'), 'invalid_json', /not encoded in UTF-8/],
    ['a surrogate on its own', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'invalid_json', /not encoded in UTF-8/],
    ['a character cut in two', Buffer.from('"é').subarray(0, 2), 'invalid_json', /not encoded in UTF-8/],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), 'invalid_json', /goes wrong at character 1 /],
    [
      'a hundred thousand levels',
      Buffer.from('['.repeat(1e5) + ']'.repeat(1e5)),
      'invalid_request',
      /deeper than 1000/,
    ],
    ['brackets that never close', Buffer.from('{"a":'.repeat(1e5)), 'invalid_request', /deeper than 1000/],
  ]
  for (const [name, bytes, code, message] of cases) {
    it(`${name} is refused`, () => assert.throws(() => parseBody(bytes), refusal(code, message)))
  }

  it('a thousand levels pass', () => {
    const { text } = parseBody(Buffer.from('['.repeat(1000) + ']'.repeat(1000)))
    assert.equal(text.length, 2000)
  })

  it('a byte order mark is not sent on', () => {
    assert.deepEqual(parseBody(Buffer.from('\ufeff{"a":"\ufeff"}')), { text: '{"a":"\ufeff"}', value: { a: '\ufeff' } })
  })

  it('is what was sent, and its value what it says', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), (json) => {
        const { text, value } = parseBody(Buffer.from(json))
        assert.equal(text, json)
        assert.deepEqual(value, JSON.parse(json))
      }),
    )
  })

  it('is never quoted when it is refused', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(60), (noise, cut) => {
        const secret = '{"content":"secret","b":[secret, 5]}'
        try {
          parseBody(Buffer.from(`${secret.slice(0, cut)}${noise}`))
        } catch (thrown) {
          assert.ok(thrown instanceof ProxyError)
          assert.doesNotMatch(JSON.stringify(thrown), /secret|content/)
        }
      }),
    )
  })
})
