import assert from 'node:assert/strict'
import { sseBody } from '../support/chunks.ts'
import { post, question } from '../support/proxy.ts'
import { cut, head, inPieces, reset, send, stream } from '../support/steps.ts'
import { refusingAddress, type Scene } from '../support/upstream.ts'
import { assertError, setting } from './setting.ts'

const env = { MAX_ATTEMPTS: '1', BREAKER_MIN_REQUESTS: '100000' }
// As short as they can be: one request is made for each byte of them.
const said = [
  { choices: [{ index: 0, delta: { content: 'Grüße' } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
]
const events = [...said, { choices: [], usage: { total_tokens: 3 } }]
const body = Buffer.from(sseBody(events, { done: true }))
/** Here the events that must not be missing have come, blank line and all. */
const wholeFrom = Buffer.byteLength(sseBody(said))
/** The counts may lack their blank line: their data is whole without it. */
const usageFrom = Buffer.byteLength(sseBody(events)) - 2
const answered = {
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Grüße', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
}

describe('an un-streamed answer that is cut', () => {
  const on = setting()

  it('is a 200 only when it was whole, wherever it breaks off', async () => {
    const scenes: Scene[] = Array.from(body, (_, at) => [head(), send(body.subarray(0, at)), cut])
    const { proxy } = await on.pair(scenes, { env })
    for (let at = 0; at < body.length; at++) {
      const answer = await post(proxy.chat, question)
      const expected = at >= wholeFrom ? 200 : 502
      assert.equal(answer.status, expected, `cut after ${at} bytes: ${body.subarray(0, at).toString().slice(-60)}`)
      if (expected === 502) {
        await assertError(answer, 502, 'upstream_truncated')
        continue
      }
      const { usage, ...rest } = (await answer.json()) as { usage?: object }
      assert.deepEqual(rest, answered)
      assert.equal(usage !== undefined, at >= usageFrom, `usage after ${at} bytes`)
    }
  })

  it('is judged the same when the end of the connection is the end of the body', async () => {
    const scenes: Scene[] = Array.from(body, (_, at) => [
      ({ raw }) => raw('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n'),
      ({ raw }) => raw(body.subarray(0, at)),
      cut,
    ])
    const { proxy } = await on.pair(scenes, { env })
    for (let at = 0; at < body.length; at++) {
      const answer = await post(proxy.chat, question)
      // Here the last event needs no blank line: its data may be whole without.
      assert.equal(answer.status, at >= wholeFrom - 2 ? 200 : 502, `cut after ${at} bytes`)
      if (answer.status === 502) await assertError(answer, 502, 'upstream_truncated')
      else assert.deepEqual(await choicesOf(answer), answered.choices)
    }
  })

  it('is truncated when fewer bytes come than were announced', async () => {
    const { proxy } = await on.pair(
      [head(200, { 'content-length': String(body.length) }), send(body.subarray(0, 60)), cut],
      { env },
    )
    await assertError(await post(proxy.chat, question), 502, 'upstream_truncated')
  })

  it('is truncated when the stream ends well but early', async () => {
    const { proxy } = await on.pair([stream(events.slice(0, 1))], { env })
    await assertError(await post(proxy.chat, question), 502, 'upstream_truncated')
  })

  it('needs no [DONE] when every choice is finished', async () => {
    const { proxy } = await on.pair([stream(events)], { env })
    const answer = await post(proxy.chat, question)
    assert.equal(answer.status, 200)
    assert.ok('usage' in ((await answer.json()) as object))
  })

  it('is truncated when one of its choices never ended', async () => {
    const other = { choices: [{ index: 1, delta: { content: 'x' }, finish_reason: null }] }
    const { proxy } = await on.pair([stream([other, ...events])], { env })
    await assertError(await post(proxy.chat, question), 502, 'upstream_truncated')
  })

  for (const [name, last] of [
    ['closed', cut],
    ['reset', reset],
  ] as const) {
    it(`is unreachable when the connection is ${name} before the headers`, async () => {
      const { proxy } = await on.pair([last], { env })
      await assertError(await post(proxy.chat, question), 502, 'upstream_unreachable')
    })

    it(`is truncated when the connection is ${name} after the headers`, async () => {
      const { proxy } = await on.pair([head(), last], { env })
      await assertError(await post(proxy.chat, question), 502, 'upstream_truncated')
    })
  }

  it('is unreachable when the connection is refused', async () => {
    const proxy = await on.proxy([`http://${await refusingAddress()}/v1`], { env })
    const { error } = await assertError(await post(proxy.chat, question), 502, 'upstream_unreachable')
    assert.doesNotMatch(error.message, /127\.0\.0\.1|ECONN/)
  })

  it('is unreachable when the connection is closed as soon as it is made', async () => {
    const { proxy } = await on.pair(['refuse'], { env })
    await assertError(await post(proxy.chat, question), 502, 'upstream_unreachable')
  })

  it('is asked for again on a new connection when the kept one had been closed meanwhile', async () => {
    const { proxy, upstream } = await on.pair([[stream(events)], 'refuse', [stream(events)]], {
      env: { MAX_ATTEMPTS: '2' },
    })
    assert.equal((await post(proxy.chat, question)).status, 200)
    const second = await post(proxy.chat, question)
    assert.equal(second.status, 200)
    assert.equal(second.headers.get('x-proxy-attempts'), '2')
    assert.equal(upstream.connections, 2)
  })

  it('leaves no half character behind for the next try', async () => {
    const { proxy } = await on.pair(
      [[head(), inPieces(body.subarray(0, body.indexOf('ü') + 1), 5), cut], [send(body)]],
      { env: { MAX_ATTEMPTS: '2' } },
    )
    assert.deepEqual(await choicesOf(await post(proxy.chat, question)), answered.choices)
  })
})

async function choicesOf(answer: Response): Promise<unknown> {
  return ((await answer.json()) as { choices: unknown }).choices
}
