import assert from 'node:assert/strict'
import { post, type RunningProxy, startProxy } from '../support/proxy.ts'
import { head, send } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'
import { canaries, faults, leakIn, words } from './canary.ts'

describe('what is secret', () => {
  let upstream: Upstream
  let proxy: RunningProxy
  const heard: string[] = []

  before(async () => {
    upstream = await startUpstream([])
    proxy = await startProxy({
      upstreams: [upstream],
      env: {
        UPSTREAM_API_KEY: canaries.upstreamKey,
        PROXY_API_KEYS: `tester:${canaries.proxyKey}`,
        MAX_ATTEMPTS: '1',
        BREAKER_MIN_REQUESTS: '1000',
        BREAKER_OPEN_MS: '1',
        LOG_LEVEL: 'debug',
      },
    })
  })

  after(async () => {
    await proxy.close()
    await upstream.close()
  })

  async function ask(body: unknown, key: string): Promise<void> {
    const response = await post(proxy.chat, body, {
      headers: {
        authorization: `Bearer ${key}`,
        cookie: `session=${canaries.cookie}`,
        'x-forwarded-for': canaries.internalHost,
      },
    })
    heard.push(JSON.stringify([...response.headers]), await response.text())
  }

  const messages = [{ role: 'user', content: words.prompt }]

  for (const [name, steps] of Object.entries(faults)) {
    for (const asStream of [false, true]) {
      it(`does not come out with ${name} to a ${asStream ? 'streamed' : 'plain'} request`, async () => {
        upstream.play(steps)
        heard.length = 0
        await ask({ model: 'm', messages, stream: asStream }, canaries.proxyKey)
        await assertSilent()
      })
    }
  }

  it('does not come out with events that are not JSON', async () => {
    // A streamed request is given them as they are: they are the upstream's answer, byte for byte.
    upstream.play([head(), send(`data: ${canaries.internalHost} {\n\n`)])
    heard.length = 0
    await ask({ model: 'm', messages }, canaries.proxyKey)
    await assertSilent()
  })

  it('does not come out with a wrong key, nor with a body that is refused', async () => {
    heard.length = 0
    await ask({ model: 'm', messages }, canaries.wrongKey)
    await ask({ model: 'm', messages: [{ role: words.prompt, content: 7 }] }, canaries.proxyKey)
    await ask(`{"model": "${words.prompt}", `, canaries.proxyKey)
    await assertSilent()
  })

  it('reaches the upstream where it is meant for it, and nowhere else', () => {
    assert.ok(upstream.requests.length > 0)
    for (const { headers } of upstream.requests) {
      assert.equal(headers.authorization, `Bearer ${canaries.upstreamKey}`)
      const all = JSON.stringify(headers)
      for (const secret of [canaries.proxyKey, canaries.cookie, canaries.internalHost]) assert.ok(!all.includes(secret))
    }
  })

  /** Looks through answers, headers, log lines, metrics and what other workers are told. */
  async function assertSilent(): Promise<void> {
    const emitted = [proxy.lines, await proxy.app.snapshot(), proxy.app.status(), proxy.told]
    assert.ok(proxy.lines.length > 0, 'nothing was logged, so nothing was looked at')
    for (const text of emitted.map((one) => JSON.stringify(one))) {
      assert.equal(leakIn(text, { ...canaries, ...words }), undefined)
    }
    // An answer is the client's; what it had asked is no part of any.
    for (const text of heard) assert.equal(leakIn(text, { ...canaries, prompt: words.prompt }), undefined)
  }
})
