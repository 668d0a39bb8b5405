import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { banner } from '../../src/cluster/banner.ts'
import { type Given, settingsFrom } from '../config/given.ts'
import { need } from '../support/need.ts'
import { runProgram } from './program.ts'

const secrets = ['sk-first', 'sk-second', 'team-key', 'redis-password', 'query-key', 'header-key']

const config = `
upstreams:
  - { name: main, url: "https://api.example.com/v1?api-key=query-key", key: sk-first }
  - { url: "http://10.0.0.7:8000/v1", priority: 1, headers: { x-key: header-key }, models: { allow: ["own-*", own-7b] } }
keys: [{ name: team, key: team-key, requests: 5 }]
`

function bannerFor(given: Given, ports = { port: 3000, adminPort: 9464 }, traces = false): string {
  return banner({ settings: settingsFrom(given), version: '1.2.3', traces, ...ports }, (_, shown) => shown)
}

describe('the banner', () => {
  it('shows where to ask, whom it asks, and what is on, and has no key in it', () => {
    const env = {
      CONFIG_FILE: 'c.yaml',
      HOST: '::',
      WORKERS: '4',
      RATE_LIMIT_TOKENS: '1000',
      RATE_LIMIT_STORE: 'redis',
      REDIS_URL: 'redis://:redis-password@127.0.0.1:6379',
      LOAD_BALANCING: 'latency',
    }
    const shown = bannerFor({ env, files: { 'c.yaml': config } }, { port: 81, adminPort: 82 }, true)
    assert.deepEqual(
      shown.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' ')),
      [
        '',
        'openai-proxy 1.2.3',
        '',
        'Public http://127.0.0.1:81/v1 on every address',
        'Admin http://127.0.0.1:82 live page, /metrics, /status',
        'Workers 4',
        'Upstreams main, api.example.com, with its own key',
        '10.0.0.7:8000, without a key, priority 1',
        'balanced: latency',
        'Keys on, 1 of them',
        'Limits 1000 tokens a minute, those of single keys for each client; counted in Redis',
        'Traces on',
        '',
        "curl http://127.0.0.1:81/v1/chat/completions -H 'content-type: application/json' \\",
        '-H "authorization: Bearer $OPENAI_API_KEY" \\',
        `-d '{"model":"own-7b","messages":[{"role":"user","content":"Hello"}]}'`,
        '',
      ],
    )
    for (const secret of secrets) assert.equal(shown.includes(secret), false, secret)
  })

  it('says what is off, and how to have it', () => {
    const shown = bannerFor({ env: { UPSTREAM_API_URL: 'http://a/v1', UPSTREAM_API_KEY: 'k', WORKERS: '0' } })
    assert.match(shown, /Workers +none: one process/)
    assert.match(shown, /Keys +off: whoever reaches the port may ask \(PROXY_API_KEYS\)/)
    assert.match(shown, /Limits +off\n/)
    assert.match(shown, /Traces +off \(OTEL_EXPORTER_OTLP_ENDPOINT\)/)
    // The proxy has the only key that is needed.
    assert.doesNotMatch(shown, /authorization/)
  })

  it('says whose key each upstream is sent, and asks for one in the command only where clients need one', () => {
    const upstreams = `
upstreams:
  - { name: open, url: "http://a/v1" }
  - { name: closed, url: "http://b/v1", headers: { Authorization: "Bearer header-key" } }
`
    const files = { 'c.yaml': upstreams }
    const shown = bannerFor({ env: { CONFIG_FILE: 'c.yaml' }, files })
    assert.match(shown, /open, a, with the client’s key\n +closed, b, with its own key\n/)
    assert.match(shown, /-H "authorization: Bearer /)
    // A key of this proxy stays here: what the upstream gets is none at all.
    assert.match(bannerFor({ env: { CONFIG_FILE: 'c.yaml', PROXY_API_KEYS: 'k' }, files }), /open, a, without a key\n/)
    const own = { 'c.yaml': upstreams.replace(/^ +- .*open.*$/m, '') }
    assert.doesNotMatch(bannerFor({ env: { CONFIG_FILE: 'c.yaml' }, files: own }), /-H "authorization: Bearer /)
  })

  it('stays short however many upstreams there are', () => {
    const urls = Array.from({ length: 20 }, (_, at) => `http://host-${at}/v1`)
    const shown = bannerFor({ env: { UPSTREAM_API_URL: urls.join(',') } })
    assert.match(shown, /host-7, .*\n +and 12 more\n +balanced: random\n/)
  })

  it('writes an address of IPv6 so that it can be pasted', () => {
    assert.match(
      bannerFor({ env: { UPSTREAM_API_URL: 'http://a/v1', HOST: '::1' } }),
      /Public +http:\/\/\[::1\]:3000\/v1\n/,
    )
  })
})

describe('the start on a terminal', function () {
  this.timeout(60_000)
  before(function () {
    need(this, { command: 'script', brings: 'bsdutils', without: 'OPENAI_PROXY_TESTS_WITHOUT_SCRIPT' })
  })

  /** What the program writes to a terminal until it is ready; then it is told to end. */
  async function shownWith(env: Record<string, string>): Promise<string> {
    const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
    const command = `'${process.execPath}' '${program}'`
    const options =
      process.platform === 'linux' ? ['-qec', command, '/dev/null'] : ['-q', '/dev/null', 'sh', '-c', command]
    const ports = { PORT: '0', HOST: '127.0.0.1', ADMIN_PORT: '0', UPSTREAM_API_URL: 'http://127.0.0.1:9/v1' }
    // With a channel it would tell when it is ready; through a terminal only its output does.
    const child = spawn('script', options, {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...ports, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let seen = ''
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
      // Ctrl-C, as a person would type it, once and at the end of what is awaited.
      if (/-d '\{|"msg":"ready"/.test(seen) && !child.stdin.writableEnded) child.stdin.end('\x03')
    })
    return stripVTControlCharacters(await text(child.stdout))
  }

  for (const WORKERS of ['0', '2']) {
    it(`shows the banner with the real ports, WORKERS=${WORKERS}`, async () => {
      const shown = await shownWith({ WORKERS })
      assert.match(shown, /openai-proxy \d+\.\d+\.\d+/)
      const [, port] = /Public +http:\/\/127\.0\.0\.1:(\d+)\/v1/.exec(shown) ?? []
      assert.match(shown, new RegExp(`port: ${port}\\b`))
      assert.notEqual(port, '0')
    })
  }

  it('keeps to pure JSON lines where those are asked for', async () => {
    const shown = await shownWith({ LOG_FORMAT: 'json', WORKERS: '0' })
    const lines = shown.split(/\r?\n/).filter((line) => line !== '' && line !== '^C')
    assert.ok(lines.length > 0)
    for (const line of lines) JSON.parse(line.replace(/^\^C/, ''))
  })

  it('shows no banner in a pipe, though the log there is for people', async () => {
    const env = { LOG_FORMAT: 'pretty', WORKERS: '0', UPSTREAM_API_URL: 'http://127.0.0.1:9/v1' }
    const program = runProgram({ env })
    await program.line(({ text: line }) => /ready/.test(String(line)))
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
    assert.doesNotMatch(JSON.stringify(program.lines), /Public|curl/)
  })
})
