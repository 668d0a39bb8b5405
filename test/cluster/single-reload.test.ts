import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Frame } from '../../src/page/frame.ts'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { arrived, chat, type Scene, startScene } from './scene.ts'
import { ask } from './traffic.ts'

const [first, second] = ['key-of-the-first-team', 'words of the second team'.replaceAll(' ', '_')]
const among = 'one among the headers'.replaceAll(' ', '_')

describe('a reload of one process without workers', function () {
  this.timeout(60_000)
  withBareSockets()
  let dir: string
  let scene: Scene
  let program: Started

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'single-reload-'))
    scene = await startScene()
    writeFileSync(join(dir, 'keys'), `first:${first}\n`)
    const upstreams = [{ name: 'one', url: scene.upstream.url, headers: { 'x-api-key': among } }]
    writeFileSync(join(dir, 'config'), JSON.stringify({ upstreams }))
    program = await startProgram({
      env: {
        CONFIG_FILE: join(dir, 'config'),
        WORKERS: '0',
        RATE_LIMIT_REQUESTS: '2',
        SHUTDOWN_TIMEOUT_MS: '1',
        STATS_INTERVAL_MS: '100',
        PROXY_API_KEYS_FILE: join(dir, 'keys'),
      },
    })
  })

  afterEach(async () => {
    await endPrograms()
    await scene.upstream.close()
    rmSync(dir, { recursive: true })
  })

  async function status(key: string, model = 'm'): Promise<number> {
    const { path, body } = chat('hello')
    const headers = { authorization: `Bearer ${key}` }
    return (await ask(program.port, { path, body: { ...(body as object), model }, headers })).status
  }

  /** The one value of a metric, whatever its labels. */
  async function figure(name: string): Promise<number> {
    const text = await (await program.admin('GET', '/metrics')).text()
    return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1])
  }

  /** What the live page is told just now. */
  async function frame(): Promise<Frame> {
    const { body } = await program.admin('GET', '/live')
    assert.ok(body)
    for await (const bytes of body) return JSON.parse(Buffer.from(bytes).toString().replace('data: ', ''))
    throw new Error('there was no frame')
  }

  async function reload(keys: string): Promise<number> {
    writeFileSync(join(dir, 'keys'), keys)
    return (await program.admin('POST', '/reload')).status
  }

  it('gives nobody a minute anew', async () => {
    assert.deepEqual([await status(first), await status(first), await status(first)], [200, 200, 429])
    assert.equal(await reload(`first:${first}\nsecond:${second}\n`), 200)
    assert.deepEqual([await status(first), await status(second)], [429, 200])
  })

  it('counts each request once', async () => {
    await status(first)
    for (let times = 0; times < 3; times++) assert.equal(await reload(`first:${first}\n# ${times}\n`), 200)
    const from = program.lines.length
    const line = await program.line(({ msg }) => msg === 'stats', from)
    assert.equal((line.all as { requests: number }).requests, 1)
    const metrics = await (await program.admin('GET', '/metrics')).text()
    assert.match(metrics, /^http_server_request_duration_seconds_count\{[^}]*status="200"[^}]*\} 1$/m)
  })

  it('counts a request too that outlives the time to shut down, and the process itself once', async () => {
    const headers = { authorization: `Bearer ${first}` }
    const held = ask(program.port, { ...chat('hold'), headers })
    await arrived(scene, 1)
    const before = await figure('process_max_fds')
    assert.equal(await reload(`first:${first}\n# again\n`), 200)
    assert.equal(await figure('process_max_fds'), before)
    const from = program.lines.length
    // After one of them the time to shut down is over.
    const stats = () => program.line(({ msg }) => msg === 'stats', program.lines.length)
    await stats()
    await stats()
    assert.equal(await figure('proxy_requests_in_flight'), 1)
    scene.release()
    assert.equal((await held).status, 200)
    await program.line(({ msg }) => msg === 'request', from)
    while ((await figure('proxy_requests_in_flight')) !== 0) {}
    assert.equal(await figure('http_server_request_duration_seconds_count'), 1)
    assert.equal(await figure('proxy_upstream_attempts_total'), 1)
  })

  it('answers also what began before it, where the process has to stop meanwhile', async () => {
    const headers = { authorization: `Bearer ${first}` }
    const held = ask(program.port, { ...chat('hold'), headers })
    await arrived(scene, 1)
    assert.equal(await reload(`first:${first}\n# again\n`), 200)
    program.signal('SIGTERM')
    const { status, body } = await held
    assert.deepEqual([status, JSON.parse(body).error.code], [503, 'draining'])
    assert.equal(await program.ended, 0)
  })

  it('still shows on the live page what began before it', async () => {
    const headers = { authorization: `Bearer ${first}` }
    const held = ask(program.port, { ...chat('hold'), headers })
    await arrived(scene, 1)
    assert.equal(await reload(`first:${first}\n# again\n`), 200)
    const { inFlight, requests, upstreams } = await frame()
    assert.deepEqual([inFlight, requests.length, upstreams.map((each) => each.inFlight)], [1, 1, [1]])
    scene.release()
    assert.equal((await held).status, 200)
  })

  it('lets the log know the keys that came with it', async () => {
    await reload(`first:${first}\nsecond:${second}\n`)
    assert.equal(await status(first, second), 200)
    const line = await program.line(({ msg }) => msg === 'request')
    assert.equal(line.model, '[redacted]')
    const metrics = await (await program.admin('GET', '/metrics')).text()
    assert.ok(!metrics.includes(second))
  })

  it('is not needed to hide a key that stands among the headers of an upstream', async () => {
    assert.equal(await status(first, among), 200)
    assert.equal((await program.line(({ msg }) => msg === 'request')).model, '[redacted]')
  })

  it('goes on hiding the keys that went with it as long as a request runs that was let in by one', async () => {
    const { path, body } = chat('hold')
    const headers = { authorization: `Bearer ${second}` }
    await reload(`first:${first}\nsecond:${second}\n`)
    const held = ask(program.port, { path, body: { ...(body as object), model: second }, headers })
    await arrived(scene, 1)
    assert.equal(await reload(`first:${first}\n`), 200)
    scene.release()
    assert.equal((await held).status, 200)
    assert.equal((await program.line(({ msg }) => msg === 'request')).model, '[redacted]')
  })

  it('keeps the keys that it has where the file is found without any', async () => {
    assert.notEqual(await reload('# to be filled in\n'), 200)
    assert.deepEqual([await status('nobody'), await status(first)], [401, 200])
  })
})
