import assert from 'node:assert/strict'
import { endPrograms, type Started, startProgram } from '../cluster/program.ts'
import { arrived, chat, type Scene, startScene } from '../cluster/scene.ts'
import { ask, endTraffic, Traffic } from '../cluster/traffic.ts'
import { needNginx, startNginx, type TestNginx } from '../support/nginx.ts'

describe('nginx in front of three proxies, of which one is killed under load', () => {
  let scene: Scene
  let proxies: Started[]
  let nginx: TestNginx

  before(async function () {
    needNginx(this)
    this.timeout(60_000)
    scene = await startScene()
    const env = { UPSTREAM_API_URL: scene.upstream.base, WORKERS: '0' }
    proxies = await Promise.all([1, 2, 3].map(() => startProgram({ env })))
    // All clients have one address here, and how fast they ask depends on the machine.
    const unlimited = (text: string) => text.replaceAll('rate=100r/s', 'rate=1000000r/s')
    nginx = await startNginx({ servers: proxies.map(({ port }) => port), edit: unlimited })
  })
  after(async () => {
    scene?.release()
    await endTraffic()
    await nginx?.stop()
    await endPrograms()
    await scene?.upstream.close()
  })

  it('answers every question that was under way, and every one that comes', async () => {
    const traffic = new Traffic(nginx.port, chat('hello'), 4, 50)
    const held = Array.from({ length: 12 }, () => ask(nginx.port, chat('hold')))
    await arrived(scene, 12)
    const victim = proxies[0]!
    const before = traffic.answered
    victim.signal('SIGKILL')
    await victim.ended
    scene.release()
    const answers = await Promise.all(held)
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array.from({ length: 12 }, () => 200),
    )
    while (traffic.answered < before + 40) await ask(nginx.port, chat('hello'))
    await traffic.stop()
    assert.deepEqual(traffic.failures, [])
    const asked = scene.upstream.requests.filter(({ body }) => body.includes('hold'))
    assert.ok(asked.length > 12, 'those that the killed one had were asked again, by another')
  }).timeout(60_000)

  it('can only cut a stream that its caller has begun to read, and then cuts it short', async () => {
    const again = await startScene()
    const proxy = await startProgram({ env: { UPSTREAM_API_URL: again.upstream.base, WORKERS: '0' } })
    const front = await startNginx({ servers: [proxy.port] })
    const begun = Promise.withResolvers<void>()
    const asked = ask(front.port, { ...chat('hold', true), onHead: () => begun.resolve() })
    await Promise.race([begun.promise, asked])
    proxy.signal('SIGKILL')
    await assert.rejects(asked, /aborted/)
    await front.stop()
    again.release()
    await again.upstream.close()
  }).timeout(60_000)
})
