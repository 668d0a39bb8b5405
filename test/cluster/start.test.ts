import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { nodeTooOld } from '../../src/cluster/start-failure.ts'
import { withBareSockets } from './bare.ts'
import { endPrograms, runProgram, startProgram } from './program.ts'
import { ask } from './traffic.ts'

const upstream = { UPSTREAM_API_URL: 'http://127.0.0.1:9/v1/chat/completions' }
const tiny = 'test/cluster/tiny/main.ts'

/** Sends the program a signal as soon as it begins to load what serves. */
const signalledWhileLoading = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const load = (url, context, next) => {
    if (url.includes('/cluster/launch.')) process.kill(process.pid, 'SIGHUP')
    return next(url, context)
  }
  registerHooks({ load })
`)}`

describe('a start', function () {
  this.timeout(60_000)
  withBareSockets()
  afterEach(endPrograms)

  it('without an upstream ends with 2, and says what to set and what shows the proxy without one', async () => {
    const program = runProgram({})
    assert.equal(await program.ended, 2)
    assert.match(program.stderr, /UPSTREAM_API_URL: is missing.*npm run demo/)
    assert.equal(program.stderr.trim().split('\n').length, 2)
  })

  it('with several faults ends with 2, and reports all of them at once', async () => {
    const program = runProgram({
      env: { UPSTREAM_API_URL: 'localhost:1', PORT: 'http', UPSTREAM_API_KEYS: 'k' },
      argv: ['--verbose'],
    })
    assert.equal(await program.ended, 2)
    for (const name of ['UPSTREAM_API_URL', 'PORT', 'UPSTREAM_API_KEYS', '--verbose']) {
      assert.ok(program.stderr.includes(name), `${name} is missing in ${program.stderr}`)
    }
    assert.deepEqual(program.lines, [])
  })

  it('warns where V8 would end a worker before MAX_HEAP_MB has it replaced', async () => {
    for (const WORKERS of ['0', '1']) {
      const program = await startProgram({ env: { ...upstream, WORKERS, MAX_HEAP_MB: '65536' } })
      const line = await program.line(({ msg }) => /^MAX_HEAP_MB has no effect/.test(String(msg)))
      assert.deepEqual([line.level, line.max_heap_mb], ['warn', 65_536])
      const modest = await startProgram({ env: { ...upstream, WORKERS, MAX_HEAP_MB: '200' } })
      assert.deepEqual(
        modest.lines.filter(({ level }) => level === 'warn'),
        [],
      )
    }
  })

  it('under a Node that is too old says which it needs', () => {
    assert.equal(nodeTooOld('22.19.0'), undefined)
    assert.equal(nodeTooOld('26.0.0'), undefined)
    for (const version of ['20.20.2', '22.18.1']) {
      assert.equal(nodeTooOld(version), `this is Node ${version}; install Node 22.19 or later`)
    }
  })

  it('that only checks or prints the settings does so and ends', async () => {
    const checked = runProgram({ env: upstream, argv: ['--check-config'] })
    assert.equal(await checked.ended, 0)
    const printed = runProgram({ env: { ...upstream, UPSTREAM_API_KEY: 'hunter2' }, argv: ['--print-config'] })
    assert.equal(await printed.ended, 0)
    const text = printed.lines.map((line) => line.text).join('\n')
    assert.match(text, /^PORT: 0$/m)
    assert.doesNotMatch(text, /hunter2/)
    const wrong = runProgram({ argv: ['--check-config'] })
    assert.equal(await wrong.ended, 2)
  })

  it('on ports that are taken ends with 1, and one report names both settings', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = String((other.address() as AddressInfo).port)
    const another = createServer().listen(0, '127.0.0.1')
    await once(another, 'listening')
    const alsoTaken = String((another.address() as AddressInfo).port)
    const program = runProgram({ env: { ...upstream, PORT: taken, ADMIN_PORT: alsoTaken } })
    assert.equal(await program.ended, 1)
    assert.match(program.stderr, new RegExp(`ADMIN_PORT: port ${alsoTaken} on 127.0.0.1 is taken by another program`))
    assert.match(program.stderr, new RegExp(`^ *PORT: port ${taken} on 127.0.0.1 is taken by another program`, 'm'))
    // Both are this process's, and Linux says so.
    const owned = program.stderr.split(`(process ${process.pid}, node `).length - 1
    assert.equal(owned, process.platform === 'linux' ? 2 : 0)
    for (const server of [other, another]) server.close()
  })

  for (const workers of ['0', '2']) {
    it(`with WORKERS=${workers} on a public port that is taken ends with 1 and names it`, async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const taken = String((other.address() as AddressInfo).port)
      const program = runProgram({ env: { ...upstream, PORT: taken, WORKERS: workers }, entry: tiny })
      assert.equal(await program.ended, 1)
      assert.match(
        program.stderr,
        new RegExp(
          `^PORT: port ${taken} on 127.0.0.1 is taken by another program.*; stop that one, or choose another port\n$`,
        ),
      )
      if (process.platform === 'linux') assert.ok(program.stderr.includes(`(process ${process.pid}, node `))
      other.close()
    })
  }

  for (const setting of ['PORT', 'ADMIN_PORT']) {
    it(`with the whole app in one process ends with 1 where ${setting} is taken, and does not linger`, async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const taken = String((other.address() as AddressInfo).port)
      const program = runProgram({ env: { ...upstream, [setting]: taken, WORKERS: '0', MAX_HEAP_MB: '1000' } })
      assert.equal(await program.ended, 1)
      assert.match(program.stderr, new RegExp(`^ *${setting}: port ${taken} on 127.0.0.1 is taken`, 'm'))
      other.close()
    })
  }

  for (const workers of ['0', '2']) {
    it(`with WORKERS=${workers} and a log folder that cannot be ends with 1 and names it`, async () => {
      const file = fileURLToPath(import.meta.url)
      const program = runProgram({ env: { ...upstream, LOG_DIR: file, WORKERS: workers } })
      assert.equal(await program.ended, 1)
      const fault = `LOG_DIR: log files cannot be written to ${file} (EEXIST); choose another folder`
      assert.equal(program.stderr, `openai-proxy cannot start:\n  ${fault}\n`)
    })
  }

  it('with an app that cannot be made ends with 1 and the reason', async () => {
    const file = fileURLToPath(new URL('tiny/unusable.yaml', import.meta.url))
    const env = { CONFIG_FILE: file, WORKERS: '2' }
    const program = runProgram({ env, entry: tiny })
    assert.equal(await program.ended, 1)
    assert.equal(program.stderr, 'the app cannot be made\n')
  })

  for (const workers of ['0', '1']) {
    it(`with WORKERS=${workers} takes the signals that come while the program is loaded`, async () => {
      const env = { ...upstream, WORKERS: workers, NODE_OPTIONS: signalledWhileLoading }
      const program = await startProgram({ env })
      await program.line(({ msg }) => msg === 'the new configuration is in effect')
      program.signal('SIGTERM')
      assert.equal(await program.ended, 0)
    })
  }

  it('without workers whose app falls over later ends with 1, and the log says why', async () => {
    const program = await startProgram({ env: { ...upstream, WORKERS: '0' }, entry: tiny })
    await assert.rejects(ask(program.port, { path: '/crash' }))
    assert.equal(await program.ended, 1)
    assert.match(JSON.stringify(program.lines.at(-1)), /nobody catches this/)
  })

  it('tells a parent that waits, as PM2 does, when requests are answered', async () => {
    const program = runProgram({ env: { ...upstream, WORKERS: '1' }, entry: tiny, channel: true })
    const [message] = await once(program.child, 'message')
    assert.equal(message, 'ready')
    await program.line(({ msg }) => msg === 'ready')
    assert.equal((await ask(program.port, { path: '/hello' })).status, 200)
  })

  it('is taken back by a signal that comes before it is complete', async () => {
    const program = runProgram({ env: { ...upstream, WORKERS: '2' }, entry: tiny })
    await program.line(({ msg }) => String(msg).endsWith('listens'))
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
    assert.equal(program.stderr, '')
  })

  it('listens where the flags say, whatever the environment says', async () => {
    const program = await startProgram({
      env: { PORT: '1', WORKERS: '0' },
      argv: ['--port', '0', '--upstream', 'http://127.0.0.1:9/v1'],
    })
    const { status, body } = await ask(program.port, { path: '/health' })
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(body), { status: 'ok', pid: program.pid })
  })
})
