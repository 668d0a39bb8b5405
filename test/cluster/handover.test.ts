import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { withBareSockets } from './bare.ts'
import { endPrograms, type Started, startProgram } from './program.ts'
import { endTraffic, Traffic } from './traffic.ts'

const kills = 5

describe('connections on their way to a worker', function () {
  this.timeout(120_000)
  withBareSockets()
  afterEach(async () => {
    await endPrograms()
    await endTraffic()
  })

  /** Clients that open a connection for each request, so that there is always one on its way. */
  async function underLoad(): Promise<{ program: Started; traffic: Traffic }> {
    const env = { UPSTREAM_API_URL: 'http://127.0.0.1:9/v1', WORKERS: '2' }
    const program = await startProgram({ env, entry: 'test/cluster/tiny/main.ts' })
    const eachAnew = new Agent({ keepAlive: false })
    return { program, traffic: new Traffic(program.port, { path: '/hello', agent: eachAnew }, 16, 0) }
  }

  it('are not lost by reloads', async () => {
    const { program, traffic } = await underLoad()
    for (let round = 0; round < 10; round++) assert.equal((await program.admin('POST', '/reload')).status, 200)
    // Were a connection lost, its client would wait for ever, and this with it.
    await traffic.stop()
    assert.deepEqual(traffic.failures, [])
  })

  it('go to another one when theirs is killed', async () => {
    const { program, traffic } = await underLoad()
    for (let kill = 0; kill < kills; kill++) {
      const victim = (await program.workers()).find(({ state }) => state === 'listening')
      const from = program.lines.length
      process.kill(victim!.pid, 'SIGKILL')
      await program.line(({ worker, how }) => worker === victim!.worker && how === 'SIGKILL', from)
      await program.line(({ msg }) => msg === `worker ${victim!.worker} listens`, from)
    }
    await traffic.stop()
    const { answered, failures } = traffic
    // Those that the killed worker had taken end with it, which their clients see at once.
    assert.ok(
      failures.length <= kills * 16 && failures.every((failure) => /ECONNRESET|hang up/.test(failure)),
      failures[0],
    )
    assert.ok(answered > kills * 16)
  })
})
