import assert from 'node:assert/strict'
import { said, saying, sseBody, sseEvent } from '../support/chunks.ts'
import { post, question } from '../support/proxy.ts'
import { hang, head, send } from '../support/steps.ts'
import { ReadClock, Spoken, setting } from './setting.ts'

const whole = sseBody(saying('hi'), { done: true })
const theirs = { message: 'Broken.', type: 'server_error', param: null, code: 'x' }
const comment = ': keep-alive\n\n'

describe('heartbeats', () => {
  const on = setting()
  let clock: ReadClock
  let spoken: Spoken

  beforeEach(() => {
    clock = new ReadClock()
    spoken = new Spoken(clock)
  })

  describe('of a plain answer', () => {
    const env = { JSON_HEARTBEAT_MS: '1000', MAX_ATTEMPTS: '1' }

    it('are white space before the JSON, under a 200', async () => {
      const { proxy, upstream } = await on.pair([head(), spoken.step], { clock, env })
      const pending = post(proxy.chat, question)
      await upstream.next()
      clock.move(2500)
      const response = await pending
      assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'application/json'])
      await spoken.say(whole)
      const text = await response.text()
      assert.equal(text.slice(0, 2), '  ')
      assert.deepEqual(JSON.parse(text), said('hi'))
      clock.move(1000)
    })

    it('never come where the answer comes first', async () => {
      const { proxy } = await on.pair([send(whole)], { clock, env })
      const response = await post(proxy.chat, question)
      clock.move(5000)
      assert.equal((await response.text())[0], '{')
      assert.equal(response.headers.get('x-proxy-attempts'), '1')
    })

    it('leave the error to the body where it comes after them', async () => {
      const { proxy, upstream } = await on.pair([head(), spoken.step], { clock, env })
      const pending = post(proxy.chat, question)
      await upstream.next()
      clock.move(1000)
      const response = await pending
      await spoken.say(sseEvent({ error: theirs }))
      assert.equal(response.status, 200)
      assert.deepEqual(JSON.parse(await response.text()), { error: theirs })
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.deepEqual([line.status, line.code], [200, 'upstream_error'])
    })
  })

  describe('of a stream', () => {
    const env = { SSE_HEARTBEAT_MS: '1000' }
    const streamed = { ...question, stream: true }

    it('are comments, before the first event and between events', async () => {
      const { proxy, upstream } = await on.pair([head(), spoken.step], { clock, env })
      const pending = post(proxy.chat, streamed)
      await upstream.next()
      clock.move(2000)
      const response = await pending
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
      const [role = '', ...rest] = saying('hi').map((event) => sseEvent(event))
      // Not within an event: half of this one waits while the clock moves on.
      await spoken.say(role.slice(0, 20))
      clock.move(1000)
      await spoken.say(role.slice(20))
      clock.move(1000)
      await spoken.say(`${rest.join('')}data: [DONE]\n\n`)
      clock.move(1000)
      const text = await response.text()
      assert.equal(text, `${comment.repeat(3)}${role}${comment}${rest.join('')}data: [DONE]\n\n${comment}`)
      clock.move(1000)
    })

    it('do not keep the request from another upstream', async () => {
      const late = await on.upstream([hang])
      const good = await on.upstream([send(whole)])
      const proxy = await on.proxy([late, good], {
        clock,
        env: { ...env, LOAD_BALANCING: 'round-robin', FIRST_EVENT_TIMEOUT_MS: '1500' },
      })
      const pending = post(proxy.chat, streamed)
      await late.next()
      clock.move(1500)
      assert.equal(await (await pending).text(), comment + whole)
    })

    it('leave the failure to an event', async () => {
      const { proxy, upstream } = await on.pair([hang], {
        clock,
        env: { ...env, FIRST_EVENT_TIMEOUT_MS: '1500', MAX_ATTEMPTS: '1' },
      })
      const pending = post(proxy.chat, streamed)
      await upstream.next()
      clock.move(1500)
      const response = await pending
      assert.equal(response.status, 200)
      assert.match(await response.text(), /^: keep-alive\n\ndata: \{"error":\{.*"upstream_timeout"\}\}\n\n$/)
    })

    it('stop when the client leaves', async () => {
      const { proxy, upstream } = await on.pair([hang], { clock, env })
      const leaving = new AbortController()
      const pending = post(proxy.chat, streamed, { signal: leaving.signal })
      const request = await upstream.next()
      clock.move(1000)
      await pending
      leaving.abort()
      assert.equal(await request.closed, 'client')
      await proxy.line(({ msg }) => msg === 'request')
      clock.move(10_000)
    })
  })
})
