import assert from 'node:assert/strict'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { arrived, chat, type Scene, startScene } from './scene.ts'
import { open } from './serve.ts'
import { ask } from './traffic.ts'

describe('one process without workers', function () {
  this.timeout(60_000)
  withBareSockets()
  let scene: Scene
  let program: Started
  beforeEach(async () => {
    scene = await startScene()
    program = await startProgram({ env: { UPSTREAM_API_URL: scene.upstream.url, WORKERS: '0' } })
  })
  afterEach(async () => {
    await endPrograms()
    await scene.upstream.close()
  })

  it('answers, and serves the admin port too', async () => {
    const { status, body } = await ask(program.port, chat('hello'))
    assert.equal(status, 200)
    assert.equal(JSON.parse(body).choices[0].message.content, 'Hello')
    const metrics = await (await program.admin('GET', '/metrics')).text()
    assert.match(metrics, /^http_server_request_duration_seconds_count\{[^}]*status="200"[^}]*\} 1$/m)
    assert.match(metrics, /^proxy_worker_restarts_total 0$/m)
    const [worker] = await program.workers()
    assert.deepEqual([worker?.worker, worker?.pid, worker?.requests], ['0', program.pid, 1])
    assert.equal((await program.admin('GET', '/heap-snapshot')).status, 200)
  })

  it('never shows the admin routes on the public port', async () => {
    for (const path of ['/metrics', '/status', '/heap-snapshot']) {
      assert.equal((await ask(program.port, { path })).status, 404)
    }
    assert.equal((await ask(program.port, { path: '/reload', method: 'POST' })).status, 404)
  })

  it('finishes what runs when it is told to end, and is not ready meanwhile', async () => {
    const stream = ask(program.port, chat('hold', true))
    const plain = ask(program.port, chat('hold'))
    const idle = await open(program.port)
    idle.send('GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n')
    assert.equal((await idle.answer()).status, 200)
    await arrived(scene, 2)
    program.signal('SIGTERM')
    await program.line(({ msg }) => String(msg).startsWith('stopping'))
    idle.send('GET /health/ready HTTP/1.1\r\nHost: test\r\n\r\n')
    assert.equal((await idle.answer()).status, 503)
    scene.release()
    assert.match((await stream).body, /\[DONE\]/)
    assert.equal((await plain).status, 200)
    assert.equal(await program.ended, 0)
  })

  it('answers what is no HTTP in the shape of its other errors, and goes on', async () => {
    const wire = await open(program.port)
    wire.send('POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n')
    const answer = await wire.answer()
    assert.equal(answer.status, 400)
    assert.equal(JSON.parse(answer.body).error.code, 'invalid_request')
    await wire.closed
    assert.equal((await ask(program.port, chat('hello'))).status, 200)
  })
})
