import assert from 'node:assert/strict'
import { readLogLine } from '../support/log-line.ts'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { chat, type Scene, startScene } from './scene.ts'
import { ask } from './traffic.ts'

describe('the lines of the log', function () {
  this.timeout(60_000)
  withBareSockets()
  let scene: Scene
  let program: Started
  beforeEach(async () => {
    scene = await startScene()
    program = await startProgram({
      env: { UPSTREAM_API_URL: scene.upstream.url, WORKERS: '2', STATS_INTERVAL_MS: '1000' },
    })
  })
  afterEach(async () => {
    await endPrograms()
    await scene.upstream.close()
  })

  // Every line that the program writes is read by `readLogLine`, here and wherever else a test starts it.
  it('say nothing twice, whatever the program has to tell', async () => {
    const told = (text: string) => program.line(({ msg }) => String(msg).includes(text))
    await program.admin('PUT', '/log-level', { body: '{"level":"debug"}' })
    await ask(program.port, chat('hello'))
    await ask(program.port, { path: '/v1/chat/completions', body: { model: 1 } })
    await ask(program.port, { path: '/no/such/path' })
    await told('stats')
    const [victim, leaver] = await program.workers()
    process.kill(victim!.pid, 'SIGKILL')
    const died = await told('died')
    assert.deepEqual([died.pid, died.worker_pid], [program.pid, victim!.pid])
    process.kill(leaver!.pid, 'SIGTERM')
    await told('told to end by a signal')
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
    const levels = new Set(program.lines.map(({ level }) => level))
    assert.ok(levels.has('info') && levels.has('error'), [...levels].join())
    assert.ok(program.lines.filter(({ msg }) => msg === 'request').length >= 3)
  })

  it('are read so that a member that is there twice is seen', () => {
    assert.throws(() => readLogLine('{"pid":1,"msg":"x","pid":2}'), /twice/)
    assert.deepEqual(readLogLine('{"pid":1,"msg":"x"}'), { pid: 1, msg: 'x' })
  })
})
