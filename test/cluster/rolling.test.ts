import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answer, wait } from '../support/steps.ts'
import { startUpstream } from '../support/upstream.ts'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { arrived, chat, type Scene, startScene } from './scene.ts'
import { ask, endTraffic, Traffic } from './traffic.ts'

/** Each reload starts as many processes as there are workers, on a machine that may be busy. */
const patience = 300_000

describe('reloads under load', function () {
  this.timeout(patience)
  withBareSockets()
  let scene: Scene
  let folder: string
  let file: string

  beforeEach(async () => {
    scene = await startScene()
    folder = await mkdtemp(join(tmpdir(), 'openai-proxy-test-'))
    file = join(folder, 'config.yaml')
    await configure('first')
  })
  afterEach(async () => {
    await endTraffic()
    await endPrograms()
    await scene.upstream.close()
    await rm(folder, { recursive: true })
  })

  /** Writes a configuration in which the upstream has this name. */
  function configure(name: string, rest = '', url = scene.upstream.url): Promise<void> {
    return writeFile(file, `upstreams: [{ name: ${name}, url: "${url}" }]\n${rest}`)
  }

  async function upstreamSeen(program: Started): Promise<unknown> {
    const { status, headers } = await ask(program.port, chat('hello'))
    assert.equal(status, 200)
    return headers['x-proxy-upstream']
  }

  // Many with one worker, through which all requests go; few with several, since each has to start as many processes.
  const series = [
    { reloads: 20, workers: 1 },
    { reloads: 4, workers: 3 },
  ]
  for (const { reloads, workers } of series) {
    it(`lose no request in ${reloads} in a row with WORKERS=${workers}, and each brings the new configuration`, async () => {
      const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: String(workers) } })
      const firstPids = (await program.workers()).map(({ pid }) => pid)
      // Two hundred requests a second, as far as the machine is free.
      const traffic = new Traffic(program.port, chat('hello'), 4, 20)
      const stream = ask(program.port, chat('hold', true))
      const plain = ask(program.port, chat('hold'))
      await arrived(scene, 2)
      for (let round = 1; round <= reloads; round++) {
        await configure(`round-${round}`)
        const response = await program.admin('POST', '/reload')
        assert.equal(response.status, 200, await response.text())
        assert.equal(await upstreamSeen(program), `round-${round}`)
        // Held over a few reloads, by workers that drain meanwhile; over all of them their deadline would come.
        if (round === 3) scene.release()
      }
      assert.match((await stream).body, /\[DONE\]/)
      assert.equal((await plain).status, 200)
      await traffic.stop()
      assert.deepEqual(traffic.failures, [])
      assert.ok(traffic.answered > reloads * 4, `only ${traffic.answered} requests were made`)
      const pids = (await program.workers()).map(({ pid }) => pid)
      assert.ok(pids.every((pid) => !firstPids.includes(pid)))
    })
  }

  it('are asked for by SIGHUP as well', async () => {
    const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: '1' } })
    await configure('second')
    program.signal('SIGHUP')
    await program.line(({ msg }) => msg === 'the new configuration is in effect')
    assert.equal(await upstreamSeen(program), 'second')
  })

  for (const workers of ['0', '1']) {
    it(`are refused when the configuration has faults, and the old one stays (WORKERS=${workers})`, async () => {
      const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: workers } })
      await configure('second', 'MAX_ATEMPTS: 1\nIP_ALLOWLIST: [nowhere]\n')
      const response = await program.admin('POST', '/reload')
      assert.equal(response.status, 400)
      const text = await response.text()
      assert.match(text, /MAX_ATEMPTS, did you mean MAX_ATTEMPTS/)
      assert.match(text, /nowhere/)
      assert.equal(await upstreamSeen(program), 'first')
      await configure('third', 'ADMIN_PORT: 1\nLOG_FORMAT: pretty\n')
      assert.equal((await program.admin('POST', '/reload')).status, 200, 'the environment wins over both')
      assert.equal(await upstreamSeen(program), 'third')
    })
  }

  it('read key files anew', async () => {
    const keys = join(folder, 'keys')
    await writeFile(keys, 'web:old-key\n')
    const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: '1', PROXY_API_KEYS_FILE: keys } })
    const withKey = (key: string) =>
      ask(program.port, { ...chat('hello'), headers: { authorization: `Bearer ${key}` } })
    assert.deepEqual([(await withKey('old-key')).status, (await withKey('new-key')).status], [200, 401])
    await writeFile(keys, 'web:new-key\n')
    await program.admin('POST', '/reload')
    assert.deepEqual([(await withKey('old-key')).status, (await withKey('new-key')).status], [401, 200])
  })

  it('cut no request that takes longer than a program that ends would wait for it', async () => {
    const env = { CONFIG_FILE: file, WORKERS: '1', SHUTDOWN_TIMEOUT_MS: '1', STATS_INTERVAL_MS: '150' }
    const program = await startProgram({ env })
    const [stream, plain] = [ask(program.port, chat('hold', true)), ask(program.port, chat('hold'))]
    await arrived(scene, 2)
    await configure('second')
    assert.equal((await program.admin('POST', '/reload')).status, 200)
    // Longer than a worker that ends takes to notice that its time is over.
    for (let times = 0; times < 2; times++) {
      await program.line(({ msg }) => msg === 'stats', program.lines.length)
    }
    scene.release()
    assert.match((await stream).body, /\[DONE\]/)
    assert.equal((await plain).status, 200)
    await program.line(({ how }) => how === 'exit code 0')
  })

  it('cut no request where requests may take as long as a setting can say', async () => {
    const env = { CONFIG_FILE: file, WORKERS: '1', REQUEST_TIMEOUT_MS: String(2 ** 31 - 1) }
    const program = await startProgram({ env })
    const held = ask(program.port, chat('hold'))
    await arrived(scene, 1)
    assert.equal((await program.admin('POST', '/reload')).status, 200)
    scene.release()
    assert.equal((await held).status, 200)
    await program.line(({ how }) => how === 'exit code 0')
  })

  it('keep nobody waiting who ends the program while a worker that was replaced still has something to do', async () => {
    const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: '1', SHUTDOWN_TIMEOUT_MS: '1' } })
    const held = ask(program.port, chat('hold'))
    await arrived(scene, 1)
    assert.equal((await program.admin('POST', '/reload')).status, 200)
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
    assert.equal((await held).status, 503)
    assert.ok(program.lines.some(({ code }) => code === 'draining'))
  })

  it('shut no upstream for what a worker finds out that still has the old configuration', async () => {
    const gate = Promise.withResolvers<void>()
    const former = await startUpstream([wait(gate.promise), answer(401, { error: { message: 'this key is over' } })])
    await configure('main', 'UPSTREAM_API_KEY: of-before\n', former.url)
    const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: '1' } })
    const held = ask(program.port, chat('hello'))
    await former.next()
    await configure('main')
    assert.equal((await program.admin('POST', '/reload')).status, 200)
    gate.resolve()
    assert.equal((await held).status, 401)
    await program.line(({ upstream, to }) => upstream === 'main' && to === 'open')
    // The message about it has gone by the primary before this question and answer.
    await program.admin('GET', '/status')
    assert.equal((await ask(program.port, chat('hello'))).status, 200)
    await former.close()
  })

  it('lose nothing in one process without workers either', async () => {
    const program = await startProgram({ env: { CONFIG_FILE: file, WORKERS: '0' } })
    const traffic = new Traffic(program.port, chat('hello'), 4, 20)
    const stream = ask(program.port, chat('hold', true))
    const plain = ask(program.port, chat('hold'))
    await arrived(scene, 2)
    for (let round = 1; round <= 5; round++) {
      await configure(`round-${round}`)
      assert.equal((await program.admin('POST', '/reload')).status, 200)
      assert.equal(await upstreamSeen(program), `round-${round}`)
    }
    scene.release()
    assert.match((await stream).body, /\[DONE\]/)
    assert.equal((await plain).status, 200)
    await traffic.stop()
    assert.deepEqual(traffic.failures, [])
    program.signal('SIGTERM')
    assert.equal(await program.ended, 0)
  })
})
