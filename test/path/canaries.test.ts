import assert from 'node:assert/strict'
import { saying } from '../support/chunks.ts'
import { post, type RunningProxy, startProxy } from '../support/proxy.ts'
import { answer, cut, head, raw, send, stream } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'

/** Secrets, planted where they really stand; none may come out again anywhere but at the upstream it is meant for. */
const canaries = {
  upstreamKey: 'sk-canary-upstream-key-0123456789',
  proxyKey: 'canary-proxy-key-0123456789',
  wrongKey: 'canary-wrong-key-0123456789',
  cookie: 'canary-cookie-0123456789',
  prompt: 'canary prompt about the moon',
  internalHost: 'canary-host.internal.example',
  stack: 'at canaryFunction (/srv/canary.js:1:1)',
}

/** What an upstream may do to make the proxy talk; each once as a plain and once as a streamed request. */
const faults = {
  'an answer': [head(), stream(saying('the', ' moon'), { done: true })],
  'a page that names an internal host': [
    answer(500, `<html>${canaries.internalHost} ${canaries.stack}</html>`, {
      'content-type': 'text/html',
      'set-cookie': `upstream=${canaries.cookie}`,
      server: canaries.internalHost,
      'x-backend': canaries.internalHost,
    }),
  ],
  'a refusal of the key that is not an OpenAI error': [
    answer(401, { detail: `key ${canaries.upstreamKey} is unknown at ${canaries.internalHost}` }),
  ],
  'a cut within an event': [head(), send(`data: {"choices":[{"index":0,"delta":{"content":"${canaries.prompt}`), cut],
  'no HTTP at all': [raw(`${canaries.internalHost}\r\n\r\n`)],
} as const

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

  const messages = [{ role: 'user', content: canaries.prompt }]

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
    await ask({ model: 'm', messages: [{ role: canaries.prompt, content: 7 }] }, canaries.proxyKey)
    await ask(`{"model": "${canaries.prompt}", `, canaries.proxyKey)
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
    const emitted = [
      ...heard,
      JSON.stringify(proxy.lines),
      JSON.stringify(await proxy.app.snapshot()),
      JSON.stringify(proxy.app.status()),
      JSON.stringify(proxy.told),
    ]
    assert.ok(proxy.lines.length > 0, 'nothing was logged, so nothing was looked at')
    for (const [name, secret] of Object.entries(canaries)) {
      for (const text of emitted) assert.ok(!text.includes(secret), `${name} came out in ${excerpt(text, secret)}`)
    }
  }
})

function excerpt(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return text.slice(Math.max(0, at - 200), at + secret.length + 50)
}
