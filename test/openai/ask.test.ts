import assert from 'node:assert/strict'
import type { Api } from '../../src/openai/api.ts'
import { type AskOptions, ask, mayAddUsage, wantsUsage } from '../../src/openai/ask.ts'

const chat: Api = { route: '/v1/chat/completions', hasUsageOption: true }
const responses: Api = { route: '/v1/responses', hasUsageOption: false }

const streamed: AskOptions = { stream: true, includeUsage: true, model: undefined }

function asking(api: Api, text: string, options: Partial<AskOptions> = {}): string {
  return ask(api, { text, value: JSON.parse(text) }, { ...streamed, ...options })
}

/** What the client sent, and what goes upstream. */
const cases: [what: string, sent: string, asked: string][] = [
  [
    'the stream and the counts are asked for behind what the client sent',
    '{"model":"m"}',
    '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
  ],
  [
    'a stream that was declined is asked for where that stands',
    '{"stream": false ,"model":"m"}',
    '{"stream": true ,"model":"m","stream_options":{"include_usage":true}}',
  ],
  [
    'the counts are asked for though the client wants none',
    '{"stream":true,"stream_options":{"include_usage":false}}',
    '{"stream":true,"stream_options":{"include_usage":true}}',
  ],
  [
    'other stream options stay',
    '{"stream":true,"stream_options":{ "include_obfuscation":false }}',
    '{"stream":true,"stream_options":{ "include_obfuscation":false ,"include_usage":true}}',
  ],
  [
    'stream options that are null are none',
    '{"stream":true,"stream_options":null}',
    '{"stream":true,"stream_options":{"include_usage":true}}',
  ],
  [
    'digits, escapes, duplicates and order survive',
    '{"seed":12345678901234567890,"temperature":1.0,"user":"\\u00e9","seed":1e2,"n":-0}',
    '{"seed":12345678901234567890,"temperature":1.0,"user":"\\u00e9","seed":1e2,"n":-0,"stream":true,"stream_options":{"include_usage":true}}',
  ],
]

describe('the request that goes upstream', () => {
  for (const [what, sent, asked] of cases) it(what, () => assert.equal(asking(chat, sent), asked))

  it('is the very text of the client where nothing has to be set', () => {
    const text = '{ "stream" : true, "stream_options":{"include_usage":true} }'
    assert.equal(asking(chat, text), text)
    assert.equal(asking(chat, '{ "a":1.0 }', { stream: false }), '{ "a":1.0 }')
  })

  it('does not ask for counts of an API that has no such option, nor where that is not wanted', () => {
    assert.equal(asking(responses, '{"input":"x"}'), '{"input":"x","stream":true}')
    assert.equal(asking(chat, '{}', { includeUsage: false }), '{"stream":true}')
  })

  it("names the model as the upstream does, and leaves the client's spelling where it is the same", () => {
    assert.equal(asking(chat, '{"model":"a","x":1}', { stream: false, model: 'b"' }), '{"model":"b\\"","x":1}')
    assert.equal(asking(chat, '{"model":"\\u0061"}', { stream: false, model: 'a' }), '{"model":"\\u0061"}')
  })

  it('lets no second model past an upstream that is there for certain models alone', () => {
    const options = { stream: false, model: 'cheap', onlyThisModel: true }
    const cheap = '{"model":"cheap","model":"cheap"}'
    assert.equal(asking(chat, '{"model":"dear","model":"cheap"}', options), cheap)
    assert.equal(
      asking(chat, '{"mod\\u0065l":"dear","model":"cheap"}', options),
      '{"mod\\u0065l":"cheap","model":"cheap"}',
    )
    assert.equal(
      asking(chat, '{"model":"cheap","x":{"model":"own"}}', options),
      '{"model":"cheap","x":{"model":"own"}}',
    )
    const everyModel = { ...options, onlyThisModel: false }
    assert.equal(asking(chat, '{"model":"dear","model":"cheap"}', everyModel), '{"model":"dear","model":"cheap"}')
  })
})

describe('the option for token counts', () => {
  it("is the proxy's to set wherever the client does not want the counts itself", () => {
    assert.ok(mayAddUsage(chat, {}))
    assert.ok(mayAddUsage(chat, { stream_options: {} }))
    assert.ok(mayAddUsage(chat, { stream_options: { include_usage: false } }))
    assert.ok(!mayAddUsage(chat, { stream_options: { include_usage: true } }))
    assert.ok(mayAddUsage(chat, { stream_options: { include_usage: null } }))
    assert.ok(!mayAddUsage(responses, {}))
  })

  it('is wanted only where the client says so', () => {
    assert.ok(wantsUsage({ stream_options: { include_usage: true } }))
    for (const options of [undefined, null, {}, { include_usage: false }, [true]]) {
      assert.ok(!wantsUsage(options === undefined ? {} : { stream_options: options }))
    }
  })
})
