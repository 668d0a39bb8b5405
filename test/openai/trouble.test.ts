import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/fold/record.ts'
import { parseExact } from '../../src/json/exact.ts'
import { readTrouble } from '../../src/openai/trouble.ts'

function troubleOf(text: string, eventName = '') {
  const trouble = readTrouble(parseExact(text) as JsonObject, eventName)
  if (!trouble) return undefined
  const { message, type, param, code } = trouble.toJSON().error
  return { status: trouble.status, retryAfter: trouble.details.retryAfter, message, type, param, code }
}

const silent = 'The upstream reported an error without a message.'
const plain = { status: 502, retryAfter: undefined, message: 'm', type: 'server_error', param: null, code: null }

const cases: [what: string, text: string, expected: object][] = [
  [
    'an object',
    '{"error":{"message":"m","type":"t","param":"p","code":"c"}}',
    { ...plain, type: 't', param: 'p', code: 'c' },
  ],
  ['a string', '{"error":"m"}', plain],
  [
    'true, beside the rest',
    '{"error":true,"message":"m","status":418}',
    { ...plain, status: 418, type: 'invalid_request_error' },
  ],
  [
    'the chunk itself',
    '{"object":"error","message":"m","code":400}',
    { ...plain, status: 400, type: 'invalid_request_error', code: '400' },
  ],
  ['an event of the Responses API', '{"type":"error","message":"m","code":"c"}', { ...plain, code: 'c' }],
  ['a detail', '{"error":{"detail":"m"}}', plain],
  ['faults in a list (Mistral)', '{"object":"error","message":{"detail":[{"loc":["body"],"msg":"m"},{}]}}', plain],
  [
    'words too deep to be looked for',
    `{"error":${'{"message":'.repeat(9)}"m"${'}'.repeat(10)}`,
    { ...plain, message: silent },
  ],
  ['an object without words', '{"error":{}}', { ...plain, message: silent }],
  ['a message that is no text', '{"error":{"message":{"text":"m"}}}', { ...plain, message: silent }],
  [
    'a member of a choice',
    '{"choices":[null,{},{"error":{"message":"m","code":429}}]}',
    { ...plain, status: 429, type: 'rate_limit_error', code: '429' },
  ],
  ['what Groq says of its own', '{"choices":[],"x_groq":{"id":"r","error":"m"}}', plain],
  ['a text in a choice', '{"choices":[{"error":"m"}]}', plain],
]

const statuses: [where: string, text: string, status: number][] = [
  ['status', '{"error":{"message":"m","status":403}}', 403],
  ['status_code', '{"error":{"message":"m","status_code":400,"code":"tool_use_failed"}}', 400],
  ['http_status', '{"error":{"message":"m","http_status":"503"}}', 503],
  ['code as a number', '{"error":{"message":"m","code":401}}', 401],
  ['code as a fraction', '{"error":{"message":"m","code":401.0}}', 401],
  ['code as text', '{"error":{"message":"m","code":"529"}}', 529],
  ['the name of a limit', '{"error":{"message":"m","code":"rate_limit_exceeded"}}', 429],
  ['a type that names a limit', '{"error":{"message":"m","type":"insufficient_quota"}}', 429],
  ['the name of a fault of the request', '{"error":{"message":"m","code":"context_length_exceeded"}}', 400],
  ['what stands around the error', '{"error":{"message":"m"},"status":404}', 404],
  ['a word, and then the code', '{"error":{"message":"m","status":"INVALID_ARGUMENT","code":400}}', 400],
  ['nothing: 200 is no error', '{"error":{"message":"m","code":200}}', 502],
  ['nothing: 1002 is no status', '{"error":{"message":"m","code":1002}}', 502],
]

const waits: [where: string, text: string, seconds: number | undefined][] = [
  ['the error', '{"error":{"message":"m","retry_after":3}}', 3],
  ['its metadata', '{"error":{"message":"m","metadata":{"retry_after":"4"}}}', 4],
  ["its metadata's headers", '{"error":{"message":"m","metadata":{"headers":{"Retry-After":"5"}}}}', 5],
  ['its headers', '{"error":{"message":"m","headers":{"retry-after":0.5}}}', 0.5],
  ['what stands around it', '{"error":{"message":"m"},"retry_after":6.0}', 6],
  ['Google’s word for it', '{"error":{"message":"m","details":[{},null,{"retryDelay":"2.5s"}]}}', 2.5],
  ['nowhere: a delay that is not one', '{"error":{"message":"m","details":[{"retryDelay":"soon"}]}}', undefined],
  ['nowhere: a date is not read', '{"error":{"message":"m","retry_after":"tomorrow"}}', undefined],
  ['nowhere: time does not run backwards', '{"error":{"message":"m","retry_after":-1}}', undefined],
  ['nowhere: no one waits for ever', '{"error":{"message":"m","retry_after":1e999}}', undefined],
]

describe('an error within a stream', () => {
  for (const [what, text, expected] of cases) {
    it(`may be ${what}`, () => assert.deepEqual(troubleOf(text), expected))
  }

  it('may be told by the name of its event alone', () => {
    assert.deepEqual(troubleOf('{"message":"m"}', 'error'), plain)
    assert.equal(troubleOf('{"message":"m"}', 'message'), undefined)
  })

  for (const [where, text, status] of statuses) {
    it(`has its status from ${where}`, () => assert.equal(troubleOf(text)?.status, status))
  }

  for (const [where, text, seconds] of waits) {
    it(`has the time to wait from ${where}`, () => assert.equal(troubleOf(text)?.retryAfter, seconds))
  }

  for (const text of [
    '{}',
    '{"error":null}',
    '{"error":""}',
    '{"error":false}',
    '{"error":0}',
    '{"choices":[{"error":null}]}',
  ]) {
    it(`is not ${text}`, () => assert.equal(troubleOf(text), undefined))
  }
})
