import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask, endTraffic, Traffic } from '../cluster/traffic.ts'
import { type Engine, makeImages, startEngine } from './engine.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const docker = '/usr/bin/docker'
const port = 13_900
const environment = { PUBLISH: `127.0.0.1:${port}`, COMPOSE_PROJECT_NAME: 'openai-proxy-test' }
const body = { model: 'demo-stream-only', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }
const chat = { path: '/v1/chat/completions', body }

describe('the image and the compose file', function () {
  // Making images of a distribution takes minutes.
  this.timeout(1_200_000)
  let engine: Engine

  before(async () => {
    engine = await startEngine()
    // Debian's nginx is too old to resolve names again.
    const servers = join(engine.folder, 'servers.conf')
    writeFileSync(servers, 'server proxy:3000 max_fails=1 fail_timeout=5s;\n')
    const override = { services: { nginx: { volumes: [`${servers}:/etc/nginx/servers.conf:ro`] } } }
    writeFileSync(join(engine.folder, 'override.json'), JSON.stringify(override))
    makeImages(engine)
    engine.run(docker, ['build', '--network', 'host', '-t', 'openai-proxy', root])
  })
  after(async () => {
    await endTraffic()
    if (engine === undefined) return
    try {
      compose('down', '-v')
    } finally {
      await engine.stop()
    }
  })

  function compose(...args: readonly string[]): string {
    const files = ['-f', join(root, 'docker-compose.yml'), '-f', join(engine.folder, 'override.json')]
    return engine.run('docker-compose', [...files, '--profile', 'demo', ...args], environment)
  }

  /** The id of a service's containers, by their order. */
  const containers = (service: string) => compose('ps', '-q', service).trim().split('\n')
  const inside = (id: string, ...command: readonly string[]) => engine.run(docker, ['exec', id, ...command])

  it('come up in order without an edit, and answer a plain question through nginx', async () => {
    const all = ['proxy', 'nginx', 'redis', 'prometheus', 'alertmanager', 'demo']
    compose('up', '-d', '--no-build', '--scale', 'proxy=2', ...all)
    const answer = await ask(port, chat)
    assert.equal(answer.status, 200, answer.body)
    assert.match(JSON.parse(answer.body).choices[0].message.content, /^Air scatters short waves/)
  })

  it('run without root on a file system that cannot be written, with Node as process 1', () => {
    const [proxy = ''] = containers('proxy')
    assert.equal(inside(proxy, 'id', '-u').trim(), '1000')
    assert.throws(() => inside(proxy, 'touch', '/app/file'), /Read-only file system/)
    assert.match(inside(proxy, 'cat', '/proc/1/cmdline'), /^node\0/)
  })

  it('show no secret to who may look at the containers, and no metrics to callers', async () => {
    const [proxy = ''] = containers('proxy')
    assert.doesNotMatch(engine.run(docker, ['inspect', proxy]), /change-me/)
    assert.equal((await ask(port, { path: '/metrics' })).status, 404)
  })

  it('are scraped by Prometheus, each process for itself', async () => {
    const [prometheus = ''] = containers('prometheus')
    const url = 'http://127.0.0.1:9090/api/v1/query?query=sum(up{job="openai-proxy"})'
    // Targets are looked up every ten seconds.
    while (!inside(prometheus, 'wget', '-qO-', url).includes('"2"]')) await ask(port, chat)
  })

  it('lose nothing when one of two processes is stopped under load', async () => {
    const traffic = new Traffic(port, chat, 16, 20)
    const [proxy = ''] = containers('proxy')
    while (traffic.answered < 20) await ask(port, chat)
    const env = { ...process.env, DOCKER_HOST: `unix://${engine.folder}/socket` }
    const [code] = await once(spawn(docker, ['stop', '-t', '40', proxy], { env, stdio: 'ignore' }), 'exit')
    assert.equal(code, 0)
    await traffic.stop()
    assert.deepEqual(traffic.failures, [])
    assert.equal(engine.run(docker, ['inspect', '-f', '{{.State.ExitCode}}', proxy]).trim(), '0')
  })
})
