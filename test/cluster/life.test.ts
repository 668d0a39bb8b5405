import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { arrived, chat, type Scene, startScene } from './scene.ts'
import { ask, endTraffic, Traffic } from './traffic.ts'

/** Starting processes is most of the time; how much depends on what else the machine does. */
const patience = 120_000

function isHello(body: string): boolean {
  return JSON.parse(body).choices[0].message.content === 'Hello'
}

describe('the life of the cluster', function () {
  this.timeout(patience)
  withBareSockets()
  let scene: Scene
  let program: Started
  beforeEach(async () => {
    scene = await startScene()
    program = await startProgram({ env: { UPSTREAM_API_URL: scene.upstream.url, WORKERS: '2' } })
  })
  afterEach(async () => {
    await endTraffic()
    await endPrograms()
    await scene.upstream.close()
  })

  it('loses only the requests of a worker that is killed under load', async () => {
    const held = Array.from({ length: 12 }, () => ask(program.port, chat('hold')))
    const outcomes = Promise.allSettled(held)
    await arrived(scene, 12)
    const traffic = new Traffic(program.port, chat('hello'), 4, 20)
    const [victim] = await program.workers()
    const inFlight = (await program.workers()).map((worker) => Number(worker.app.inFlight))
    assert.ok(
      inFlight.every((count) => count >= 4),
      `both workers must hold requests: ${inFlight}`,
    )
    process.kill(victim!.pid, 'SIGKILL')
    await program.line(({ worker, how }) => worker === victim!.worker && how === 'SIGKILL')
    // A client of the traffic has one request at a time, so it can lose no more than one.
    assert.ok(traffic.failures.length <= 4, traffic.failures.join('\n'))
    scene.release()
    const results = await outcomes
    const answers = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value)
    const lost = results.length - answers.length
    assert.ok(answers.every(({ status, body }) => status === 200 && isHello(body)))
    assert.ok(lost > 0 && lost <= 8, `${lost} of 12 were lost`)

    const before = traffic.failures.length
    while (!(await program.workers()).some(({ worker, pid }) => worker === victim!.worker && pid !== victim!.pid)) {
      assert.equal((await ask(program.port, chat('hello'))).status, 200)
    }
    await traffic.stop()
    assert.deepEqual(traffic.failures.slice(before), [])
  })

  it('lets totals grow only, over the death of a worker', async () => {
    for (let round = 0; round < 20; round++) await ask(program.port, chat('hello'))
    const before = await answered(program)
    assert.equal(before, 20)
    const [victim] = await program.workers()
    process.kill(victim!.pid, 'SIGKILL')
    await program.line(({ how }) => how === 'SIGKILL')
    assert.equal(await answered(program), before)
    const text = await (await program.admin('GET', '/metrics')).text()
    assert.match(text, /^proxy_worker_restarts_total 1$/m)
  })

  it('finishes what runs when it is told to end under load, streams too', async () => {
    const streams = Array.from({ length: 6 }, () => begun(program.port, true))
    const plain = Array.from({ length: 6 }, () => ask(program.port, chat('hold')))
    await Promise.all(streams.map((stream) => stream.head))
    await arrived(scene, 12)
    program.signal('SIGTERM')
    await program.line(({ msg }) => String(msg).startsWith('stopping'))
    await refusing(program.port)
    scene.release()
    for (const { status, body } of await Promise.all(plain)) assert.ok(status === 200 && isHello(body), body)
    for (const { body } of await Promise.all(streams.map(({ reply }) => reply))) {
      assert.match(body, /"content":"lo"/)
      assert.match(body, /data: \[DONE\]\n\n$/)
    }
    assert.equal(await program.ended, 0)
    assert.equal(program.stderr, '')
  })

  it('takes a signal for one that comes twice within moments, by the terminal and by npm, and finishes what runs', async () => {
    const held = ask(program.port, chat('hold'))
    await arrived(scene, 1)
    program.signal('SIGINT')
    await program.line(({ msg }) => String(msg).startsWith('stopping'))
    program.signal('SIGINT')
    await refusing(program.port)
    scene.release()
    assert.equal((await held).status, 200)
    assert.equal(await program.ended, 0)
  })

  it('ends at once when it is told so again', async () => {
    const held = ask(program.port, chat('hold')).catch((error: Error) => error.message)
    await arrived(scene, 1)
    // The first that comes after the moment for which a second counts as the same.
    do program.signal('SIGINT')
    while (await program.workers().catch(() => undefined))
    assert.equal(await program.ended, 1)
    assert.match(String(await held), /hang up|ECONNRESET/)
  })

  it('replaces a worker that ends because of a signal of its own, and loses nothing', async () => {
    const held = Array.from({ length: 6 }, () => ask(program.port, chat('hold')))
    await arrived(scene, 6)
    const [leaver] = await program.workers()
    process.kill(leaver!.pid, 'SIGTERM')
    await program.line(({ worker_pid, msg }) => worker_pid === leaver!.pid && String(msg).includes('told to end'))
    while ((await program.workers()).filter(({ state }) => state === 'listening').length < 2) {}
    scene.release()
    for (const { status } of await Promise.all(held)) assert.equal(status, 200)
    const status = await program.workers()
    assert.ok(status.every(({ state, pid }) => state !== 'listening' || pid !== leaver!.pid))
  })
})

/** A request whose head has to have arrived before the test goes on. */
function begun(port: number, streams: boolean) {
  const { promise: head, resolve } = Promise.withResolvers<void>()
  return { head, reply: ask(port, { ...chat('hold', streams), onHead: resolve }) }
}

async function answered(program: Started): Promise<number> {
  const text = await (await program.admin('GET', '/metrics')).text()
  const counts = text.matchAll(/^http_server_request_duration_seconds_count\{.*status="200".*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** Waits until no connection is taken any more. */
async function refusing(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
    } catch {
      return
    } finally {
      socket.destroy()
    }
  }
}
