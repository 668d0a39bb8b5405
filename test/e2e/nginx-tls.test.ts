import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { chat, type Scene, startScene } from '../cluster/scene.ts'
import { ask } from '../cluster/traffic.ts'
import { needNginx, startNginx, type TestNginx } from '../support/nginx.ts'

const listenFile = new URL('../../deploy/nginx/listen-tls.conf', import.meta.url)

/** A certificate for localhost that only this test trusts. */
function makeCertificate(key: string, certificate: string): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const files = ['-keyout', key, '-out', certificate]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const { status, stderr } = spawnSync('openssl', ['req', ...kind, ...subject, ...files], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

describe('nginx with a certificate', () => {
  let folder: string | undefined
  let scene: Scene
  let nginx: TestNginx
  let certificate: string

  before(async function () {
    needNginx(this)
    folder = await mkdtemp(join(tmpdir(), 'openai-proxy-tls-'))
    certificate = join(folder, 'certificate.pem')
    makeCertificate(join(folder, 'key.pem'), certificate)
    const listen = (await readFile(listenFile, 'utf8'))
      .replace('8443', 'PORT')
      .replace('/run/secrets/tls_certificate', certificate)
      .replace('/run/secrets/tls_key', join(folder, 'key.pem'))
    scene = await startScene()
    nginx = await startNginx({ servers: [scene.upstream.port], listen })
  })
  after(async () => {
    await nginx?.stop()
    await scene?.upstream.close()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  it('answers over TLS 1.3, and tells browsers to stay with it', async () => {
    const { path, body } = chat('hello', true)
    const options = { host: '127.0.0.1', servername: 'localhost', port: nginx.port, path, method: 'POST' }
    const ca = await readFile(certificate)
    const { promise, resolve, reject } = Promise.withResolvers<[protocol: string | null, sts: unknown, body: string]>()
    const asked = request({ ...options, ca, agent: false }, async (answer) => {
      const protocol = (answer.socket as TLSSocket).getProtocol()
      resolve([protocol, answer.headers['strict-transport-security'], await text(answer)])
    })
    asked.on('error', reject)
    asked.end(JSON.stringify(body))
    const [protocol, sts, events] = await promise
    assert.equal(protocol, 'TLSv1.3')
    assert.equal(sts, 'max-age=31536000')
    assert.match(events, /^data: .*\n\ndata: \[DONE\]\n\n$/s)
  })
  it("tells who speaks plain HTTP to it, in OpenAI's words", async () => {
    const answer = await ask(nginx.port, chat('hello'))
    assert.equal(answer.status, 400)
    assert.equal(JSON.parse(answer.body).error.code, 'invalid_request')
  })
})
