import assert from 'node:assert/strict'
import { said, saying } from '../support/chunks.ts'
import { MovedClock } from '../support/clock.ts'
import { post, question } from '../support/proxy.ts'
import { answer, stream } from '../support/steps.ts'
import { setting } from './setting.ts'

const env = { MAX_ATTEMPTS: '1' }

/** A refusal of OpenAI's. */
function refusal(message: string, param: string | null, code = 'unsupported_value') {
  return answer(400, { error: { message, type: 'invalid_request_error', param, code } })
}

const unverified = refusal('Your organization must be verified to stream this model.', 'stream')
const whole = answer(200, said('hi'))

describe('an answer that may not be streamed', () => {
  const on = setting()

  for (const [what, refused] of [
    ['the model where the organization is not verified', unverified],
    ['audio of this format', refusal("'audio.format' does not support 'mp3' with stream=true.", 'audio.format')],
    ['what cannot be a stream', refusal('Results of best_of cannot be streamed.', null)],
  ] as const) {
    it(`is asked for in one piece when the upstream refuses to stream ${what}`, async () => {
      const { proxy, upstream } = await on.pair([[refused], [whole]], { env })
      const response = await post(proxy.chat, question)
      assert.equal(response.status, 200)
      assert.deepEqual(await response.json(), said('hi'))
      assert.deepEqual(
        upstream.requests.map(({ json }) => json),
        [{ ...question, stream: true, stream_options: { include_usage: true } }, question],
      )
    })
  }

  it('is wished for as a stream again by the next request, which may be for another model', async () => {
    const { proxy, upstream } = await on.pair([[unverified], [whole], [stream(saying('hi'), { done: true })]], { env })
    await post(proxy.chat, question)
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('hi'))
    assert.deepEqual(upstream.requests.at(-1)?.json.stream_options, { include_usage: true })
  })

  it('may take as long as the request may, since its first byte is its last', async () => {
    const clock = new MovedClock()
    const late = (exchange: Parameters<typeof whole>[0]) => {
      clock.move(5000)
      return whole(exchange)
    }
    const { proxy } = await on.pair([[unverified], [late]], {
      env: { ...env, FIRST_EVENT_TIMEOUT_MS: '1000' },
      clock,
    })
    assert.equal((await post(proxy.chat, question)).status, 200)
  })

  it('is refused with the upstream’s words when it may not be had in one piece either', async () => {
    const { proxy, upstream } = await on.pair([[unverified], [refusal('No such model.', 'model', 'gone')]], { env })
    const response = await post(proxy.chat, question)
    assert.equal(response.status, 400)
    const { error } = (await response.json()) as { error: { message: string } }
    assert.equal(error.message, 'No such model.')
    assert.equal(upstream.requests.length, 2)
  })

  it('is asked for so too when the usage option was what the upstream refused first', async () => {
    const script = [[refusal('stream_options is not supported.', 'stream_options')], [unverified], [whole]]
    const { proxy, upstream } = await on.pair(script, { env })
    assert.deepEqual(await (await post(proxy.chat, question)).json(), said('hi'))
    assert.deepEqual(
      upstream.requests.map(({ json }) => json),
      [{ ...question, stream: true, stream_options: { include_usage: true } }, { ...question, stream: true }, question],
    )
  })

  for (const [who, body, refused] of [
    ['a client that wants a stream itself', { ...question, stream: true }, unverified],
    ['a request that is wrong in another way', question, refusal('messages[0].role is not one of the roles.', null)],
  ] as const) {
    it(`is not asked for again for ${who}`, async () => {
      const { proxy, upstream } = await on.pair([[refused]], { env })
      assert.equal((await post(proxy.chat, body)).status, 400)
      assert.equal(upstream.requests.length, 1)
    })
  }
})
