import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { saying, sseBody } from '../support/chunks.ts'
import { post, type RunningProxy } from '../support/proxy.ts'
import { answer, send } from '../support/steps.ts'
import type { Upstream } from '../support/upstream.ts'
import { setting } from './setting.ts'

const good = [send(sseBody(saying('good'), { done: true }))]
const messages = '"messages":[{"role":"user","content":"hi"}]'
const added = '"stream":true,"stream_options":{"include_usage":true}'

/** Each request as the client writes it, and as it must reach the upstream. */
const pairs: readonly (readonly [name: string, sent: string, arrives: string])[] = [
  ['a 20-digit seed', `{"model":"m",${messages},"seed":12345678901234567890}`, ''],
  ['1.0 and 1e2', `{"model":"m",${messages},"temperature":1.0,"top_p":1e0,"x":-0}`, ''],
  ['members given twice', `{"model":"m",${messages},"user":"a","user":"b"}`, ''],
  ['the order of members', `{"z":1,${messages},"a":2,"model":"m","10":1,"2":1}`, ''],
  ['escapes', `{"model":"m",${messages},"user":"\\u00e9\\/\\ud83d\\ude42\\u0000"}`, ''],
  ['Unicode as it is', `{"model":"m",${messages},"user":"é🙂\u2028\u0085"}`, ''],
  ['members that nobody knows', `{"model":"m",${messages},"__proto__":{"a":1},"extra_body":{"n":[1.50]}}`, ''],
  ['white space', ` {\r\n\t"model" : "m" ,\n ${messages}\n}\n`, ` {\r\n\t"model" : "m" ,\n ${messages}\n,${added}}\n`],
  [
    'stream: false',
    `{"stream": false,"model":"m",${messages}}`,
    `{"stream": true,"model":"m",${messages},"stream_options":{"include_usage":true}}`,
  ],
  [
    'stream: null',
    `{"model":"m","stream":null,${messages}}`,
    `{"model":"m","stream":true,${messages},"stream_options":{"include_usage":true}}`,
  ],
  [
    'stream given twice',
    `{"stream":false,"model":"m",${messages},"str\\u0065am":false}`,
    `{"stream":true,"model":"m",${messages},"str\\u0065am":true,"stream_options":{"include_usage":true}}`,
  ],
  [
    'other stream options',
    `{"model":"m",${messages},"stream_options":{ "x": 1.0 }}`,
    `{"model":"m",${messages},"stream_options":{ "x": 1.0 ,"include_usage":true},"stream":true}`,
  ],
  [
    'stream options that are null',
    `{"model":"m",${messages},"stream_options":null}`,
    `{"model":"m",${messages},"stream_options":{"include_usage":true},"stream":true}`,
  ],
  [
    'include_usage: false',
    `{"model":"m",${messages},"stream_options":{"include_usage":false}}`,
    `{"model":"m",${messages},"stream_options":{"include_usage":true},"stream":true}`,
  ],
  [
    'a "stream" within a message',
    `{"model":"m","messages":[{"role":"user","content":"\\"stream\\": false","stream":false}]}`,
    '',
  ],
]

describe('the body of a request', () => {
  const on = setting()
  let proxy: RunningProxy
  let upstream: Upstream

  beforeEach(async () => {
    const started = await on.pair(good)
    proxy = started.proxy
    upstream = started.upstream
  })

  for (const [name, sent, arrives] of pairs) {
    it(`arrives as it was sent but for what the proxy sets: ${name}`, async () => {
      assert.equal((await post(proxy.chat, sent)).status, 200)
      const expected = arrives === '' ? `${sent.slice(0, sent.lastIndexOf('}'))},${added}}` : arrives
      assert.equal((await upstream.next()).body.toString(), expected)
    })
  }

  it('arrives without change where the client asks for a stream', async () => {
    for (const [, sent] of pairs.filter(([name]) => !name.startsWith('stream'))) {
      const streamed = sent.replace('"model"', '"stream":true,"model"')
      await (await post(proxy.chat, streamed)).text()
      assert.equal((await upstream.next()).body.toString(), streamed)
    }
  })

  it('arrives plain where it was sent compressed', async () => {
    const text = `{"model":"m",${messages},"seed":12345678901234567890,"stream":true}`
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
    const response = await fetch(proxy.chat, { method: 'POST', body: gzipSync(text), headers })
    await response.text()
    const asked = await upstream.next()
    assert.equal(asked.body.toString(), text)
    assert.equal(asked.headers['content-encoding'], undefined)
    assert.equal(asked.headers['content-length'], String(Buffer.byteLength(text)))
  })

  it('arrives at the other routes with nothing added that they do not know', async () => {
    const text = '{"model":"m","input":"x","seed":12345678901234567890}'
    upstream.play([answer(200, { object: 'list', data: [] })])
    await (await post(`${proxy.base}/embeddings`, text)).text()
    assert.equal((await upstream.next()).body.toString(), text)
    upstream.play([answer(200, { id: 'resp_1', object: 'response', output: [] })])
    await (await post(`${proxy.base}/responses`, text)).text()
    assert.equal((await upstream.next()).body.toString(), text.replace('}', ',"stream":true}'))
  })

  it('says its model as the upstream names it, and nothing else', async () => {
    const config = JSON.stringify({
      upstreams: [{ name: 'a', url: upstream.base, models: { map: { 'm"1': 'vendor/"m"' } } }],
    })
    const mapping = await on.proxy([], { config })
    const text = `{ "model" : "m\\u00221" , "model":"m\\"1", ${messages}, "seed": 12345678901234567890, "stream": true }`
    await (await post(mapping.chat, text)).text()
    const expected = text.replace('"m\\u00221"', '"vendor/\\"m\\""').replace('"m\\"1"', '"vendor/\\"m\\""')
    assert.equal((await upstream.next()).body.toString(), expected)
  })
})
