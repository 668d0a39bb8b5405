import assert from 'node:assert/strict'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { open } from './serve.ts'
import { ask } from './traffic.ts'

const entry = 'test/cluster/tiny/main.ts'
const env = { UPSTREAM_API_URL: 'http://127.0.0.1:9/v1' }

describe('workers and their primary', function () {
  this.timeout(60_000)
  withBareSockets()
  let program: Started
  before(async () => {
    program = await startProgram({ env: { ...env, WORKERS: '2' }, entry })
  })
  after(endPrograms)

  it('write the error that nothing caught, and another takes the place of the one that had it', async () => {
    const from = program.lines.length
    await assert.rejects(ask(program.port, { path: '/crash' }))
    const fatal = await program.line(({ level }) => level === 'fatal', from)
    assert.match(JSON.stringify(fatal.err), /nobody catches this/)
    const died = await program.line(({ how }) => how === 'exit code 1', from)
    await program.line(({ msg }) => msg === `worker ${died.worker} listens`, from)
    assert.equal((await ask(program.port, { path: '/hello' })).status, 200)
  })

  it('are shown on the live page without a look at what begins anew when it is read, such as the longest lag', async () => {
    const snapshots = async () => (await program.workers()).map(({ app }) => app.snapshots)
    const before = await snapshots()
    const feed = await program.admin('GET', '/live')
    const frame = new TextDecoder().decode((await feed.body?.getReader().read())?.value)
    const { workers } = JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? '')
    assert.equal(workers.length, 2)
    for (const { busy } of workers) assert.ok(busy >= 0 && busy <= 1, frame)
    assert.deepEqual(await snapshots(), before)
    await program.admin('GET', '/metrics')
    assert.deepEqual(
      await snapshots(),
      before.map((count) => Number(count) + 1),
    )
  })

  it('tell each other of breakers, and tell those that start later', async () => {
    const teller: { pid: number } = JSON.parse((await ask(program.port, { path: '/tell' })).body)
    const heard = async () => {
      const workers = await program.workers()
      return workers.filter(({ app }) => Array.isArray(app.heard) && app.heard.length > 0).map(({ pid }) => pid)
    }
    while ((await heard()).length === 0) {}
    const others = (await program.workers()).map(({ pid }) => pid).filter((pid) => pid !== teller.pid)
    assert.deepEqual(await heard(), others)
    const from = program.lines.length
    process.kill(teller.pid, 'SIGKILL')
    const listens = await program.line(({ msg }) => String(msg).endsWith('listens'), from)
    const latest = (await program.workers()).find(({ worker }) => worker === listens.worker)
    assert.equal((latest!.app.heard as unknown[]).length, 1)
  })

  it('hear of breakers as well that opened while they started', async () => {
    const [victim] = await program.workers()
    const from = program.lines.length
    process.kill(victim!.pid, 'SIGKILL')
    let listens = false
    const listening = program
      .line(({ msg }) => msg === `worker ${victim!.worker} listens`, from)
      .then(() => {
        listens = true
      })
    await program.line(({ worker_pid, how }) => worker_pid === victim!.pid && how === 'SIGKILL', from)
    const told: { upstream: string; pid: number }[] = []
    while (!listens) {
      const upstream = `u${told.length}`
      const { pid } = JSON.parse((await ask(program.port, { path: `/tell?upstream=${upstream}` })).body)
      told.push({ upstream, pid })
    }
    await listening
    const latest = async () => (await program.workers()).find(({ worker }) => worker === victim!.worker)!
    const { pid } = await latest()
    // What it told itself, if it was asked at the end, it need not hear.
    const news = told.filter((each) => each.pid !== pid).map(({ upstream }) => upstream)
    const heard = async () => (await latest()).app.heard as { upstream: string }[]
    while (!new Set((await heard()).map(({ upstream }) => upstream)).isSupersetOf(new Set(news))) {}
  })

  it('log at the level that the admin port sets, those that start later too', async () => {
    assert.equal((await program.admin('PUT', '/log-level', { body: 'debug' })).status, 200)
    const [victim] = await program.workers()
    const from = program.lines.length
    process.kill(victim!.pid, 'SIGKILL')
    await program.line(({ msg }) => msg === `worker ${victim!.worker} listens`, from)
    for (let round = 0; round < 4; round++) {
      assert.deepEqual(JSON.parse((await ask(program.port, { path: '/log' })).body), { level: 'debug' })
    }
    await program.admin('PUT', '/log-level', { body: 'info' })
  })

  it('give a heap snapshot and a CPU profile of the worker that is named', async () => {
    const snapshot = await program.admin('GET', '/heap-snapshot?worker=2')
    assert.equal(snapshot.status, 200)
    assert.match(String(snapshot.headers.get('content-disposition')), /worker-2\.heapsnapshot/)
    assert.ok(Array.isArray(JSON.parse(await snapshot.text()).nodes))
    const profile = await program.admin('POST', '/cpu-profile?worker=1&seconds=1')
    assert.ok(Array.isArray(JSON.parse(await profile.text()).samples))
  })

  it('close connections beyond what all of them may keep', async () => {
    // Long enough that none is closed for its silence.
    const patient = { HEADERS_TIMEOUT_MS: '120000', BODY_TIMEOUT_MS: '120000' }
    const full = await startProgram({ env: { ...env, ...patient, WORKERS: '2', MAX_CONNECTIONS: '1' }, entry })
    const wires = await Promise.all(Array.from({ length: 4 }, () => open(full.port)))
    const { promise: twoClosed, resolve } = Promise.withResolvers<void>()
    let closed = 0
    for (const wire of wires) wire.closed.then(() => ++closed === 2 && resolve())
    await twoClosed
    const kept = wires.find(({ socket }) => !socket.destroyed)
    kept!.send('GET /hello HTTP/1.1\r\nHost: test\r\n\r\n')
    assert.equal((await kept!.answer()).status, 200)
    for (const wire of wires) wire.socket.destroy()
  })

  it('count what they answered and what went wrong, for the line of statistics', async () => {
    const counting = await startProgram({ env: { ...env, WORKERS: '2', STATS_INTERVAL_MS: '100' }, entry })
    for (const path of ['/hello', '/fail', '/hello']) await ask(counting.port, { path })
    const stats = await counting.line(({ msg, all }) => msg === 'stats' && (all as Sums).requests === 3)
    const { requests, errors, in_flight, rss_mb } = stats.all as Sums
    assert.deepEqual([requests, errors, in_flight], [3, 1, 0])
    assert.equal((stats.workers as unknown[]).length, 2)
    assert.ok(rss_mb > 50)
  })
})

interface Sums {
  requests: number
  errors: number
  in_flight: number
  rss_mb: number
}
