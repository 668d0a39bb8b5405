import assert from 'node:assert/strict'
import { openWire } from '../support/wire.ts'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { arrived, chat, type Scene, startScene } from './scene.ts'
import { ask } from './traffic.ts'

const unfinished = [
  'POST /v1/chat/completions HTTP/1.1',
  'host: test',
  'content-type: application/json',
  'transfer-encoding: chunked',
  '',
  '1\r\n{\r\n',
].join('\r\n')

describe('the record of a request that the proxy itself has cut', function () {
  this.timeout(60_000)
  withBareSockets()
  let scene: Scene
  let program: Started

  beforeEach(async () => {
    scene = await startScene()
    program = await startProgram({
      env: {
        UPSTREAM_API_URL: scene.upstream.url,
        WORKERS: '1',
        SHUTDOWN_TIMEOUT_MS: '1',
        HEADERS_TIMEOUT_MS: '500',
        BODY_TIMEOUT_MS: '500',
      },
    })
  })

  afterEach(async () => {
    await endPrograms()
    await scene.upstream.close()
  })

  async function records(count: number) {
    const isRecord = ({ msg }: Readonly<Record<string, unknown>>) => msg === 'request'
    while (program.lines.filter(isRecord).length < count) await program.line(isRecord, program.lines.length)
    const found = program.lines.filter(isRecord).map(({ mode, status, code, level }) => [mode, status, code, level])
    return found.sort()
  }

  it('says that it drained, as its client is told, where the time to shut down was over', async () => {
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    const streamed = ask(program.port, { ...chat('hold', true), onHead: resolve })
    const plain = ask(program.port, chat('hold'))
    await Promise.all([begun, arrived(scene, 2)])
    program.signal('SIGTERM')
    const [events, answer] = await Promise.all([streamed, plain])
    assert.equal(await program.ended, 0)
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1'])
    assert.equal(JSON.parse(answer.body).error.code, 'draining')
    // Not an end that a client could take for that of the answer.
    assert.match(events.body, /"role":"assistant".*\n\ndata: \{"error":\{.*"code":"draining"\}\}\n\n$/)
    // Of the stream the status was out, as it is where an upstream breaks off.
    assert.deepEqual(await records(2), [
      ['stream', 200, 'draining', 'warn'],
      ['unstream', 503, 'draining', 'warn'],
    ])
  })

  for (const workers of ['0', '1']) {
    it(`is written too where its body was still coming when the time was over (WORKERS=${workers})`, async () => {
      const env = { UPSTREAM_API_URL: scene.upstream.url, WORKERS: workers, SHUTDOWN_TIMEOUT_MS: '1' }
      program = await startProgram({ env })
      const wire = await openWire(program.port)
      wire.send(unfinished)
      while ((await program.workers())[0]?.inFlight !== 1) {}
      program.signal('SIGTERM')
      assert.equal(await program.ended, 0)
      wire.socket.destroy()
      assert.deepEqual(await records(1), [['plain', 503, 'draining', 'warn']])
    })
  }

  for (const [what, rest, status, code] of [
    ['comes too slowly', '', 408, 'request_timeout'],
    ['turns out to be no HTTP', 'no length\r\n', 400, 'invalid_request'],
  ] as const) {
    it(`has the answer that its client saw, where its body ${what}`, async () => {
      const wire = await openWire(program.port)
      wire.send(unfinished + rest)
      assert.equal((await wire.answer()).status, status)
      wire.socket.destroy()
      assert.deepEqual(await records(1), [['plain', status, code, 'info']])
      const metrics = await (await program.admin('GET', '/metrics')).text()
      assert.match(
        metrics,
        new RegExp(`^http_server_request_duration_seconds_count\\{.*status="${status}".*\\} 1$`, 'm'),
      )
      assert.match(metrics, new RegExp(`^proxy_rejected_total\\{code="${code}"\\} 1$`, 'm'))
    })
  }
})
