import assert from 'node:assert/strict'
import dns from 'node:dns'
import { checkUpstreams } from '../../src/checkup/ask.ts'
import type { Finding } from '../../src/checkup/explain.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { settingsFrom } from '../config/given.ts'
import { chunk, saying, sseBody } from '../support/chunks.ts'
import { MovedClock } from '../support/clock.ts'
import { answer, cut, hang, head, send, stream, wait } from '../support/steps.ts'
import { refusingAddress, type Script, startUpstream, type Upstream } from '../support/upstream.ts'
import { listen, secureServer, unguarded } from '../upstream/servers.ts'

const key = 'sk-a-secret-of-the-operator'
const list = answer(200, { object: 'list', data: [] })
const streams = [stream(saying('ok'), { done: true })]
const refusal = (message: string) => ({ error: { message, type: 'invalid_request_error', param: null, code: null } })

/** Lets no name resolve while `work` runs: how long a real resolver takes to say so depends on the network. */
async function withoutDns<T>(code: string, work: () => Promise<T>): Promise<T> {
  const { lookup } = dns
  const fails = (_name: string, _options: object, done: (error: Error) => void) =>
    process.nextTick(done, Object.assign(new Error(code), { code }))
  Object.assign(dns, { lookup: fails })
  try {
    return await work()
  } finally {
    Object.assign(dns, { lookup })
  }
}

describe('asking the upstreams when the settings are checked', () => {
  unguarded()
  let upstream: Upstream
  beforeEach(async () => {
    upstream = await startUpstream([list])
  })
  afterEach(() => upstream.close())

  interface Asking {
    model?: string
    env?: Record<string, string>
    clock?: Clock
    url?: string
  }

  /** Asks one upstream, by default the scripted one with a key of its own. */
  async function ask({ model, env = {}, clock = systemClock, url = upstream.url }: Asking = {}): Promise<Finding> {
    const settings = settingsFrom({ env: { UPSTREAM_API_URL: url, UPSTREAM_API_KEY: key, ...env } })
    const [finding] = await checkUpstreams(settings, { clock, model })
    assert.ok(finding)
    assert.equal(finding.sentence.includes(key), false)
    return finding
  }

  async function says(script: Script, asking: Asking = { model: 'm' }): Promise<string> {
    upstream.play(script)
    const { usable, sentence } = await ask(asking)
    return `${usable ? '✔' : '✘'} ${sentence.replace(/^[^ ]+ \([^ ]+\): /, '')}`
  }

  it('without a model asks for the list of models and nothing that is billed, with the key', async () => {
    const { usable, sentence } = await ask()
    assert.equal(usable, true)
    assert.match(sentence, /\(http:\/\/127\.0\.0\.1:\d+\/v1\/models\): answers and takes the key\. .*--probe=MODEL/)
    const [request] = upstream.requests
    assert.deepEqual([upstream.requests.length, request?.method, request?.path], [1, 'GET', '/v1/models'])
    assert.equal(request?.headers.authorization, `Bearer ${key}`)
  })

  it('with a model asks for one streamed answer, under the upstream’s name for it', async () => {
    assert.match(await says(streams, { model: 'gpt-4o' }), /^✔ streams; its first event came after \d+\.\d s\.$/)
    const [request] = upstream.requests
    assert.deepEqual([upstream.requests.length, request?.path], [1, '/v1/chat/completions'])
    assert.deepEqual([request?.json.model, request?.json.stream], ['gpt-4o', true])
  })

  it('asks what PROBE_BODY says where it is set', async () => {
    const PROBE_BODY = JSON.stringify({ model: 'tiny', messages: [], max_tokens: 1 })
    assert.match(await says(streams, { env: { PROBE_BODY } }), /^✔ streams/)
    assert.deepEqual([upstream.requests[0]?.json.model, upstream.requests[0]?.json.max_tokens], ['tiny', 1])
  })

  it('asks all of them, and reports in the order of the settings', async () => {
    const second = await startUpstream([answer(500, '')])
    const settings = settingsFrom({ env: { UPSTREAM_API_URL: `${second.url},${upstream.url}` } })
    const findings = await checkUpstreams(settings, { clock: systemClock, model: undefined })
    assert.deepEqual(
      findings.map(({ usable }) => usable),
      [false, true],
    )
    assert.equal(await second.close(), 0)
  })

  const answers: readonly (readonly [what: string, script: Script, asking: Asking, sentence: RegExp])[] = [
    [
      'a wrong key',
      [answer(401, refusal(`Incorrect key: ${key}`))],
      {},
      /^✘ refuses the key \(401\); set UPSTREAM_API/,
    ],
    [
      'a wrong key that is refused under status 200',
      [answer(200, { error: { message: 'No.', code: 401 } })],
      {},
      /^✘ refuses the key \(401\); set UPSTREAM_API/,
    ],
    [
      'a provider that is down, which another says in a stream',
      [stream([{ error: { message: 'No.', code: 503 } }])],
      { model: 'm' },
      /^✘ fails with 503;/,
    ],
    ['a key without balance', [answer(402, refusal('No.'))], {}, /^✘ answers 402: what pays for this key is used up/],
    ['a key without rights', [answer(403, refusal('No.'))], {}, /^✘ refuses with 403: this key may not/],
    ['no key', [answer(401, refusal('No.'))], { env: { UPSTREAM_API_KEY: '' } }, /^✔ answers, and wants a key \(401\)/],
    [
      'no key, where clients send those of this proxy',
      [answer(401, refusal('No.'))],
      { env: { UPSTREAM_API_KEY: '', PROXY_API_KEYS: 'alice:proxy-key' } },
      /^✘ wants a key \(401\) and is sent none: .* set UPSTREAM_API_KEY\.$/,
    ],
    ['a wrong path', [answer(404, 'none')], {}, /^✘ has nothing at that path \(404\): the path of UPSTREAM_API_URL/],
    ['a website', [answer(200, '<html>', { 'content-type': 'text/html' })], {}, /^✘ .* no JSON; .* a website’s/],
    ['a redirection', [answer(301, '', { location: '/' })], {}, /^✘ answers 301, a redirection/],
    ['a used-up quota', [answer(429, refusal('No.'))], {}, /^✘ answers 429: the limit or the quota/],
    ['a provider that is down', [answer(503, '')], {}, /^✘ fails with 503;/],
    ['a wrong model', [answer(404, refusal('No model m.'))], { model: 'm' }, /^✘ .* 404; .* It says: No model m\.$/],
    [
      'a wrong question',
      [answer(400, refusal('No n.'))],
      { model: 'm' },
      /^✘ .* 400; correct the model or .* It says: No n\.$/,
    ],
    [
      'a model that may not be streamed',
      [
        [
          answer(400, {
            error: { message: 'Your organization must be verified to stream this model.', param: 'stream' },
          }),
        ],
        [answer(200, { choices: [] })],
      ],
      { model: 'm' },
      /^✔ refuses to stream this, and answers in one piece/,
    ],
    ['plain JSON', [answer(200, { choices: [] })], { model: 'm' }, /^✔ answers, but with plain JSON/],
    ['a stream that is cut', [send(sseBody([chunk({ content: 'o' })])), cut], { model: 'm' }, /^✘ .* broke off/],
    ['nonsense', [answer(200, 'nonsense')], { model: 'm' }, /^✘ answers with what is neither a stream nor JSON/],
  ]
  for (const [what, script, asking, sentence] of answers) {
    it(`recognizes ${what}`, async () => assert.match(await says(script, asking), sentence))
  }

  it('recognizes an address where nothing listens, and a name that is none', async () => {
    const nobody = await ask({ url: `http://${await refusingAddress()}/v1` })
    assert.match(nobody.sentence, /cannot be reached: nothing listens .*\(ECONNREFUSED\)\.$/)
    const nowhere = await withoutDns('ENOTFOUND', () => ask({ url: 'http://nowhere.invalid/v1' }))
    assert.match(nowhere.sentence, /cannot be reached: its host name has no address in DNS.*\(ENOTFOUND\)\.$/)
    assert.deepEqual([nobody.usable, nowhere.usable], [false, false])
  })

  it('recognizes a certificate that nobody vouches for, and http where https is asked for', async () => {
    const server = await listen(secureServer())
    const untrusted = await ask({ url: `https://localhost:${server.port}/v1` })
    assert.match(untrusted.sentence, /not trusted here; if it is your own, name it by NODE_EXTRA_CA_CERTS/)
    await server.stop()
    const plain = await ask({ url: `https://127.0.0.1:${upstream.port}/v1` })
    assert.match(plain.sentence, /does not speak TLS there; perhaps it wants http:\/\//)
  })

  it('shows no query of an address, and no key that an answer repeats from it', async () => {
    upstream.play([answer(400, refusal('query-secret and header-secret'))])
    const file = `upstreams: [{ name: a, url: "${upstream.url}?key=query-secret", headers: { x-key: header-secret } }]`
    const settings = settingsFrom({ env: { CONFIG_FILE: 'c' }, files: { c: file } })
    const [finding] = await checkUpstreams(settings, { clock: systemClock, model: 'm' })
    assert.match(finding?.sentence ?? '', /^a \(http:[^?]+\/chat\/completions\): .* It says: \*\*\* and \*\*\*$/)
  })

  it('says that a stream is slow, and gives up with the settings’ own patience', async () => {
    const clock = new MovedClock()
    const gate = Promise.withResolvers<void>()
    upstream.play([[head(), wait(gate.promise), ...streams], [hang]])
    const slow = ask({ model: 'm', clock })
    await upstream.next()
    clock.move(12_000)
    gate.resolve()
    assert.match((await slow).sentence, /first event came after 12\.0 s\. That is slow: keep FIRST_EVENT_TIMEOUT_MS/)
    const silent = ask({ model: 'm', clock, env: { FIRST_EVENT_TIMEOUT_MS: '3000' } })
    await upstream.next()
    clock.move(3000)
    assert.match((await silent).sentence, /too slow: it sent nothing within FIRST_EVENT_TIMEOUT_MS/)
    assert.equal(clock.pending, 0)
  })
})
