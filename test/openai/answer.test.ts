import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { explainRefusal, parseAnswer, summaryOf, usageTextOf } from '../../src/openai/answer.ts'
import { chat } from '../../src/openai/chat.ts'
import { responses } from '../../src/openai/responses.ts'

function codeOf(text: string, api = chat): string {
  try {
    parseAnswer(text, api)
    return 'none'
  } catch (thrown) {
    if (thrown instanceof ProxyError) return thrown.code
    throw thrown
  }
}

describe('a plain answer of an upstream that would not stream', () => {
  it('is taken as it was written', () => {
    const text = '{ "id":"a", "n":1.0, "choices":[] }'
    assert.equal(parseAnswer(text, chat).text, text)
    assert.equal(parseAnswer(text, chat).value.id, 'a')
  })

  for (const text of ['', 'busy', '[]', '"text"', 'null', '7', '{"cut":']) {
    it(`is refused when it is ${text || 'nothing'}`, () => assert.equal(codeOf(text), 'upstream_invalid'))
  }

  it('is refused when it lacks the list that an answer of its API has', () => {
    for (const text of ['{"status":"ok"}', '{"choices":null}', '{"object":"response","output":[]}']) {
      assert.equal(codeOf(text), 'upstream_invalid', text)
    }
    assert.equal(codeOf('{"choices":[]}', responses), 'upstream_invalid')
    assert.equal(codeOf('{"object":"response","output":[]}', responses), 'none')
  })

  it('is an error when it carries one', () => {
    assert.equal(codeOf('{"error":{"message":"m"}}'), 'upstream_error')
    assert.equal(codeOf('{"object":"error","message":"m"}'), 'upstream_error')
    assert.equal(codeOf('[{"error":{"message":"m","code":400}}]'), 'upstream_error')
    assert.equal(codeOf('{"choices":null,"base_resp":{"status_code":1004,"status_msg":"m"}}'), 'upstream_error')
    assert.equal(codeOf('{"detail":"m"}'), 'upstream_error')
    assert.equal(codeOf('{"id":"a","error":null,"choices":[]}'), 'none')
    assert.equal(codeOf('{"id":"a","object":"response","code":"c","message":"m","output":[]}', responses), 'none')
    assert.equal(codeOf('{"code":"c","message":"m","choices":[{"index":0}]}'), 'none')
  })

  it('tells who answered, why each choice ended and what it cost', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2 }
    const choices = [{ finish_reason: 'stop' }, { finish_reason: null }, null, { finish_reason: 'length' }]
    assert.deepEqual(summaryOf({ id: 'a', model: 'm', choices, usage }), {
      id: 'a',
      model: 'm',
      finishReasons: ['stop', 'length'],
      usage: { input: 3, output: 2, cached: 0, reasoning: 0 },
    })
    assert.deepEqual(summaryOf({ status: 'completed' }), { finishReasons: ['completed'], usage: undefined })
    assert.deepEqual(summaryOf({}), { finishReasons: [], usage: undefined })
  })

  it('has its counts found without being parsed whole', () => {
    assert.deepEqual(usageTextOf('{"data":[0.5,{"usage":1}],"usage":{"prompt_tokens":8}}'), { prompt_tokens: 8 })
    assert.equal(usageTextOf('{"\\x":1}'), undefined, 'a body that is no JSON is passed on without a word')
    for (const text of ['{"data":[]}', '{"usage":null}', 'not json', ''])
      assert.equal(usageTextOf(text), undefined, text)
  })
})

describe('an upstream that refuses', () => {
  it('is quoted where it speaks as OpenAI does, with its own status', () => {
    const refusal = explainRefusal(400, '{"error":{"message":"No such model","type":"t","code":"c"}}', undefined)
    assert.equal(refusal.status, 400)
    assert.deepEqual(refusal.toJSON().error, { message: 'No such model', type: 't', param: null, code: 'c' })
  })

  it('is quoted where it speaks in a list of one, as Google does', () => {
    const text =
      '[{"error":{"code":400,"message":"No such model","status":"INVALID_ARGUMENT","details":[{"retryDelay":"7s"}]}}]'
    const refusal = explainRefusal(400, text, undefined)
    assert.deepEqual([refusal.status, refusal.message, refusal.details.retryAfter], [400, 'No such model', 7])
  })

  it('is quoted where it speaks in an event, as servers do that were asked for a stream', () => {
    const error = '{"message":"No such model","code":"c"}'
    for (const text of [
      `data: {"error":${error}}\n\n`,
      `: hi\n\nid:1\nevent:error\n:HTTP_STATUS/400\ndata:${error}\n\n`,
      `data: [DONE]\r\n\r\ndata: {"error":\r\ndata: ${error}}`,
    ]) {
      const { status, message } = explainRefusal(400, text, undefined)
      assert.deepEqual([status, message], [400, 'No such model'], text)
    }
  })

  it('is not quoted where it speaks of its own house', () => {
    for (const text of [
      '{"code":500,"message":"10.0.0.7 is down"}',
      'data: {"code":500,"message":"10.0.0.7 is down"}\n\n',
      'event: error\ndata: 10.0.0.7 is down\n\n',
      '<html>10.0.0.7 is down</html>',
      '["10.0.0.7"]',
      '{"host":"10.0.0.7"}',
      '',
    ]) {
      const refusal = explainRefusal(503, text, undefined)
      assert.equal(refusal.status, 503)
      assert.ok(!refusal.message.includes('10.0.0.7') && refusal.message.includes('503'))
    }
  })

  it('makes no success of it, and keeps the time to wait', () => {
    const refusal = explainRefusal(302, '', 9)
    assert.equal(refusal.status, 502)
    assert.equal(refusal.headers()['retry-after'], '9')
  })

  it('tells the time to wait that only the body names, and prefers the header’s', () => {
    const body = '{"error":{"message":"Slow down","code":429,"metadata":{"retry_after":7}}}'
    assert.equal(explainRefusal(429, body, undefined).headers()['retry-after'], '7')
    assert.equal(explainRefusal(429, body, 3).headers()['retry-after'], '3')
  })
})
