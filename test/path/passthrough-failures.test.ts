import assert from 'node:assert/strict'
import { saying, sseBody, sseEvent } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question } from '../support/proxy.ts'
import { answer, cut, flood, hang, head, reset, send, stream, wait } from '../support/steps.ts'
import { refusingAddress } from '../support/upstream.ts'
import { assertError, metric, ReadClock, Spoken, setting, statusOf } from './setting.ts'

const env = { MAX_ATTEMPTS: '1' }
const streamed = { ...question, stream: true }
const [role = '', first = '', second = ''] = saying('a', 'b').map((event) => sseEvent(event))
const whole = sseBody(saying('a', 'b'), { done: true })
const theirs = { message: 'Broken.', type: 'server_error', param: null, code: 'x' }

function told(code: string, message: RegExp) {
  return (text: string) => {
    const events = text.split('\n\n')
    assert.equal(events.pop(), '', 'half an event at the end')
    const { error } = JSON.parse(events.at(-1)!.slice('data: '.length)) as { error: Record<string, unknown> }
    assert.equal(error.code, code)
    assert.match(String(error.message), message)
    assert.doesNotMatch(text, /\[DONE\]/)
    return events.slice(0, -1).map((event) => `${event}\n\n`)
  }
}

describe('a stream that fails', () => {
  const on = setting()

  describe('before its first event', () => {
    for (const [name, steps, status, code] of [
      ['is cut before the headers', [cut], 502, 'upstream_unreachable'],
      ['is cut after the headers', [head(), cut], 502, 'upstream_truncated'],
      ['is cut after a comment', [send(': hello\n\n'), cut], 502, 'upstream_truncated'],
      ['is cut behind a ping', [send('event: ping\ndata: {"type": "ping"}\n\n'), cut], 502, 'upstream_truncated'],
      ['is cut within the first event', [send(role.slice(0, 30)), cut], 502, 'upstream_truncated'],
      ['is empty', [stream([])], 502, 'upstream_truncated'],
      ['is nothing but [DONE]', [stream([], { done: true })], 502, 'upstream_truncated'],
      ['is HTML', [answer(200, '<html>')], 502, 'upstream_invalid'],
      ['begins with an error', [stream([{ error: { ...theirs, code: 503 } }])], 503, '503'],
      ['begins with a field for errors', [send('error: {"message":"Broken.","code":503}\n\n')], 503, '503'],
      ['is refused', [answer(404, { error: theirs })], 404, 'x'],
    ] as [string, Step[], number, string][]) {
      it(`tells by its status that it ${name}`, async () => {
        const { proxy } = await on.pair(steps, { env })
        await assertError(await post(proxy.chat, streamed), status, code)
      })

      it(`moves to another upstream when it ${name}`, async () => {
        const bad = await on.upstream(steps)
        const good = await on.upstream([send(whole)])
        const proxy = await on.proxy([bad, good], { env: { LOAD_BALANCING: 'round-robin', MAX_ATTEMPTS: '2' } })
        const response = await post(proxy.chat, streamed)
        if (status === 404) {
          await assertError(response, status, code)
          assert.equal(good.requests.length, 0)
        } else {
          assert.equal(response.headers.get('x-proxy-attempts'), '2')
          assert.equal(await response.text(), whole)
        }
      })
    }

    for (const [what, piece] of [
      ['comments', ': wait\n\n'],
      ['lines of a comment', ': wait\n'],
    ] as const) {
      it(`holds ${what} without end up to a bound`, async () => {
        const { proxy } = await on.pair([head(), flood(10_000_000, piece.repeat(100))], {
          env: { ...env, MAX_EVENT_BYTES: '4096' },
        })
        await assertError(await post(proxy.chat, streamed), 502, 'upstream_too_large')
      })
    }

    it('holds no comments against the bound that it can let through', async () => {
      const comments = ': wait\n\n'.repeat(100)
      const body = Array.from({ length: 100 }, () => role + comments).join('') + whole
      const { proxy } = await on.pair([send(body)], { env: { ...env, MAX_EVENT_BYTES: '4096' } })
      assert.equal(await (await post(proxy.chat, streamed)).text(), body)
    })

    it('moves on when no connection can be made', async () => {
      const good = await on.upstream([send(whole)])
      const proxy = await on.proxy([`http://${await refusingAddress()}/v1`, good], {
        env: { LOAD_BALANCING: 'round-robin' },
      })
      assert.equal(await (await post(proxy.chat, streamed)).text(), whole)
    })
  })

  describe('after its first event', () => {
    for (const [name, steps, code, message] of [
      ['is cut', [send(role, first, second.slice(0, 30)), cut], 'upstream_truncated', /before the answer/],
      ['ends early', [send(role + first)], 'upstream_truncated', /before/],
      ['ends early within an event', [send(role + first + second.slice(0, 30))], 'upstream_truncated', /before/],
      ['grows by comments', [send(role, first), flood(10_000_000, ': x\n'.repeat(100))], 'upstream_too_large', /./],
      ['grows beyond MAX_EVENT_BYTES', [send(role, first, `data: ${'x'.repeat(5000)}`)], 'upstream_too_large', /./],
    ] as [string, Step[], string, RegExp][]) {
      it(`tells by an event that it ${name}, and never [DONE]`, async () => {
        const { proxy } = await on.pair(steps, { env: { MAX_ATTEMPTS: '3', MAX_EVENT_BYTES: '4096' } })
        const response = await post(proxy.chat, streamed)
        assert.equal(response.status, 200)
        const events = told(code, message)(await response.text())
        assert.deepEqual(events, [role, first])
        const line = await proxy.line(({ msg }) => msg === 'request')
        assert.deepEqual([line.status, line.code, line.attempts], [200, code, 1])
      })
    }

    it('tells by an event that a response ends without its last event, though with [DONE]', async () => {
      const begun = [{ type: 'response.created', response: { id: 'r' } }, { type: 'response.output_text.delta' }]
      const body = sseBody(begun, { named: true, done: true })
      const { proxy } = await on.pair([send(body)], { env })
      const response = await post(`${proxy.base}/responses`, { model: 'm', input: 'hi', stream: true })
      const text = await response.text()
      assert.ok(text.startsWith(body))
      assert.match(text.slice(body.length), /^data: .*"code":"upstream_truncated".*\n\n$/)
    })

    it('tells by an event that its connection was reset', async () => {
      // A reset would take with it what had not been read yet.
      const read = Promise.withResolvers<void>()
      const { proxy } = await on.pair([send(role), wait(read.promise), reset], { env })
      const response = await post(proxy.chat, streamed)
      read.resolve()
      assert.deepEqual(told('upstream_truncated', /before/)(await response.text()), [role])
    })

    it('tells by an event that it fell silent', async () => {
      const clock = new ReadClock()
      const spoken = new Spoken(clock)
      const { proxy, upstream } = await on.pair([head(), spoken.step], { clock, env: { IDLE_TIMEOUT_MS: '1000' } })
      const pending = post(proxy.chat, streamed)
      await spoken.say(role)
      const response = await pending
      clock.move(1000)
      assert.deepEqual(told('upstream_timeout', /silent/)(await response.text()), [role])
      assert.equal(await (await upstream.next()).closed, 'client')
    })

    for (const [name, rest, how] of [
      ['and ends', '', undefined],
      ['and is cut', '', cut],
      ['and goes on', first + second, undefined],
    ] as const) {
      it(`passes on the error that the upstream tells itself ${name}, and adds none`, async () => {
        const body = role + sseEvent({ error: theirs }) + rest
        const { proxy } = await on.pair([send(body), ...(how ? [how] : [])], { env })
        const response = await post(proxy.chat, streamed)
        assert.equal(await response.text(), body)
        const line = await proxy.line(({ msg }) => msg === 'request')
        assert.deepEqual([line.status, line.code], [200, 'upstream_error'])
        assert.equal(await metric(proxy, 'proxy_upstream_attempts_total', { outcome: 'server_error' }), 1)
      })
    }

    it('adds no error of its own to that of the upstream when it fails in yet another way behind', async () => {
      const body = role + sseEvent({ error: theirs })
      const { proxy } = await on.pair([send(body), send(`data: ${'x'.repeat(5000)}`)], {
        env: { ...env, MAX_EVENT_BYTES: '4096' },
      })
      assert.equal(await (await post(proxy.chat, streamed)).text(), body)
    })

    it('rests an upstream that tells of its rate limit in the stream', async () => {
      const error = { ...theirs, code: 429, retry_after: 9 }
      const { proxy } = await on.pair([send(role + sseEvent({ error }))], { env })
      await (await post(proxy.chat, streamed)).text()
      assert.equal(statusOf(proxy)[0]?.resting, true)
    })

    it('passes on no half of the counts that are cut off behind a whole answer', async () => {
      const body = sseBody(saying('a', 'b'))
      const { proxy } = await on.pair([send(`${body}data: {"usage":{"tot`), cut], { env })
      assert.equal(await (await post(proxy.chat, streamed)).text(), body)
    })
  })

  it('is over a moment after [DONE], also when the upstream leaves its connection open', async () => {
    const clock = new ReadClock()
    const spoken = new Spoken(clock)
    const { proxy, upstream } = await on.pair([head(), spoken.step], { clock, env })
    const pending = post(proxy.chat, streamed)
    await spoken.say(whole)
    const response = await pending
    clock.move(1000)
    assert.equal(await response.text(), whole)
    clock.move(1000)
    assert.equal(await (await upstream.next()).closed, 'client')
  })

  it('is left by nobody while the upstream hangs before the headers, until the time is over', async () => {
    const clock = new ReadClock()
    const { proxy, upstream } = await on.pair([hang], { clock, env })
    const pending = post(proxy.chat, streamed)
    await upstream.next()
    clock.move(120_000)
    await assertError(await pending, 504, 'upstream_timeout')
  })
})
