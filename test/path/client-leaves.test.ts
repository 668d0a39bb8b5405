import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { saying, sseBody, sseEvent } from '../support/chunks.ts'
import type { Step } from '../support/exchange.ts'
import { post, question, type RunningProxy } from '../support/proxy.ts'
import { answer, hang, head, send } from '../support/steps.ts'
import type { Upstream } from '../support/upstream.ts'
import { listen } from '../upstream/servers.ts'
import { metric, ReadClock, Spoken, setting, statusOf, until } from './setting.ts'

const [role = ''] = saying('x').map((event) => sseEvent(event))
const failed = answer(500, { error: { message: 'x' } })

/** Makes a request that can be left; its promise never rejects. */
function leaving(proxy: RunningProxy, stream: boolean) {
  const controller = new AbortController()
  const body = { ...question, stream }
  const response = post(proxy.chat, body, { signal: controller.signal }).catch(() => undefined)
  return { leave: () => controller.abort(), response }
}

/** The request's only trace is a line that blames nobody. */
async function assertBlamesNobody(proxy: RunningProxy, outcome = 'aborted'): Promise<void> {
  const line = await proxy.line(({ msg }) => msg === 'request')
  assert.deepEqual([line.status, line.code, line.level], [499, 'client_closed_request', 30])
  assert.equal(await metric(proxy, 'proxy_upstream_attempts_total', { outcome }), 1)
  assert.equal((await metric(proxy, 'http_server_request_duration_seconds', { status: '499' })) > 0, true)
  assert.equal(await metric(proxy, 'proxy_circuit_transitions_total'), 0)
}

for (const stream of [false, true]) {
  describe(`a client that leaves ${stream ? 'a stream' : 'a plain request'}`, () => {
    const on = setting()
    // One failure would open the breaker: leaving must not be one.
    const env = { BREAKER_MIN_REQUESTS: '1', BREAKER_FAILURE_RATE: '0.01' }

    for (const [when, steps] of [
      ['before the headers', [hang]],
      ['after the headers', [head(), hang]],
      ['in the middle of the stream', [send(role), hang]],
      ['while an error comes', [head(500), send('{"error"'), hang]],
    ] as [string, Step[]][]) {
      it(`frees the upstream at once ${when}`, async () => {
        const { proxy, upstream } = await on.pair(steps, { env })
        const { leave, response } = leaving(proxy, stream)
        const request = await upstream.next()
        if (stream && when.startsWith('in')) await response
        leave()
        assert.equal(await request.closed, 'client')
        await assertBlamesNobody(proxy)
        const line = await proxy.line(({ msg }) => msg === 'request')
        assert.ok(Number(line.upstream_ms) > 0, 'the wait for the upstream is not the work of the proxy')
        assert.equal(line.response_bytes, stream && when.startsWith('in') ? Buffer.byteLength(role) : 0)
      })
    }

    /** A client that has left a stream in which all that had begun was finished. */
    async function leavingWhole() {
      const clock = new ReadClock()
      const spoken = new Spoken(clock)
      const { proxy, upstream } = await on.pair([spoken.step], { env, clock })
      const { leave } = leaving(proxy, stream)
      const request = await upstream.next()
      await spoken.say(sseBody(saying('x')))
      const before = clock.pending
      leave()
      await until(() => clock.pending > before)
      return { proxy, clock, spoken, request }
    }

    it('waits a second for what the answer cost, when that was whole but for it', async () => {
      const { proxy, clock, request } = await leavingWhole()
      clock.move(1000)
      await assertBlamesNobody(proxy, 'ok')
      // As long again for the end of the body, which would leave a connection that can be used.
      clock.move(1000)
      assert.equal(await request.closed, 'client')
    })

    it('frees the upstream at once when another of its choices begins behind those that were whole', async () => {
      const { proxy, spoken, request } = await leavingWhole()
      await spoken.say(sseEvent({ id: 'x', choices: [{ index: 1, delta: { content: 'y' }, finish_reason: null }] }))
      assert.equal(await request.closed, 'client')
      await assertBlamesNobody(proxy)
    })

    it('is forgotten before a connection was made', async () => {
      // It accepts, and says nothing to the handshake that it is offered.
      const server = await listen(createServer())
      const proxy = await on.proxy([`https://127.0.0.1:${server.port}/v1`], { env })
      const { leave } = leaving(proxy, stream)
      await until(() => server.connections === 1)
      leave()
      await assertBlamesNobody(proxy)
      assert.equal(statusOf(proxy)[0]?.inFlight, 0)
      await server.stop()
    })

    it('is asked for no more during a backoff', async () => {
      const clock = new ReadClock()
      const { proxy, upstream } = await on.pair([failed], { clock, env: { BREAKER_MIN_REQUESTS: '100' } })
      const { leave } = leaving(proxy, stream)
      await (await upstream.next()).closed
      await until(() => statusOf(proxy)[0]?.inFlight === 0 && clock.pending === 2)
      leave()
      await proxy.line(({ msg, status }) => msg === 'request' && status === 499)
      clock.move(10_000)
      assert.equal(upstream.requests.length, 1)
    })

    it('frees both upstreams of a hedge', async () => {
      const clock = new ReadClock()
      const both = [await on.upstream([hang]), await on.upstream([hang])] as [Upstream, Upstream]
      const proxy = await on.proxy(both, { clock, env: { ...env, HEDGE_AFTER_MS: '100' } })
      const { leave } = leaving(proxy, stream)
      await Promise.race(both.map((upstream) => upstream.next()))
      clock.move(100)
      const requests = await Promise.all(
        both.map(async (upstream) => {
          await until(() => upstream.requests.length === 1)
          return upstream.requests[0]!
        }),
      )
      leave()
      assert.deepEqual(await Promise.all(requests.map(({ closed }) => closed)), ['client', 'client'])
      const line = await proxy.line(({ msg }) => msg === 'request')
      assert.deepEqual([line.status, line.attempts], [499, 2])
      assert.equal(await metric(proxy, 'proxy_circuit_transitions_total'), 0)
    })
  })
}
