import assert from 'node:assert/strict'
import { existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pino from 'pino'
import { type Admin, createAdmin } from '../../src/cluster/admin.ts'
import type { Control } from '../../src/cluster/control.ts'
import type { Question } from '../../src/cluster/messages.ts'
import { withBareSockets } from './bare.ts'
import { open } from './serve.ts'

let admin: Admin
let port: number
let token: string | undefined
let faults: string[]
let levels: string[]
let asked: { worker: string; question: Question }[]
let answerWith: () => Promise<unknown>

const control: Control = {
  metrics: async (format) => ({ body: `${format}\n`, contentType: 'text/plain' }),
  status: async () => ({ pid: 1 }),
  look: async () => ({ workers: [], metrics: [] }),
  reload: async () => faults,
  setLevel: (level) => levels.push(level),
  workers: () => ['1', '2'],
  ask(worker, question) {
    asked.push({ worker, question })
    return answerWith()
  },
}

/** One request with exactly these headers. */
async function ask(method: string, path: string, headers: Record<string, string> = {}, body = '') {
  const wire = await open(port)
  const lines = Object.entries({ host: `127.0.0.1:${port}`, connection: 'close', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  wire.send(`${method} ${path} HTTP/1.1\r\n${lines}content-length: ${body.length}\r\n\r\n${body}`)
  let text = ''
  wire.socket.on('data', (part) => {
    text += part
  })
  await wire.closed
  const [head = '', rest = ''] = text.split(/\r\n\r\n(.*)/s)
  return { status: Number(head.split(' ')[1]), head, body: rest }
}

/** The files that this process has open, those included that have been removed. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    // The one that lists them is closed by now.
    return existsSync(`/proc/self/fd/${fd}`) || lstatSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })
      ? [readlinkSync(`/proc/self/fd/${fd}`)]
      : []
  })
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

function codeOf({ body }: { body: string }): string {
  return /"code":"(\w+)"/.exec(body)?.[1] ?? ''
}

describe('the admin port', () => {
  withBareSockets()
  beforeEach(async () => {
    token = undefined
    faults = []
    levels = []
    asked = []
    answerWith = () => Promise.reject(new Error('There is no worker 1 just now.'))
    admin = createAdmin({ control, log: pino({ enabled: false }), token: () => token })
    port = await admin.listen(0, '127.0.0.1')
  })
  afterEach(() => admin.close())

  it('gives metrics in the format that the scraper asks for', async () => {
    assert.match((await ask('GET', '/metrics')).body, /prometheus/)
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3'
    assert.match((await ask('GET', '/metrics', { accept })).body, /openmetrics/)
  })

  it('gives the status, reloads, and says why a reload was refused', async () => {
    assert.match((await ask('GET', '/status')).body, /"pid":1/)
    assert.equal((await ask('POST', '/reload')).status, 200)
    faults = ['PORT: is wrong', 'HOST: is wrong']
    const refused = await ask('POST', '/reload')
    assert.equal(refused.status, 400)
    assert.match(refused.body, /PORT: is wrong · HOST: is wrong/)
  })

  it('sets the log level by a bare word or JSON, and refuses others', async () => {
    assert.equal((await ask('PUT', '/log-level', {}, 'debug')).status, 200)
    assert.equal((await ask('POST', '/log-level', {}, '{"level": "warn"}')).status, 200)
    assert.equal((await ask('PUT', '/log-level', {}, 'loud')).status, 400)
    assert.equal((await ask('PUT', '/log-level', {}, 'x'.repeat(5000))).status, 413)
    assert.deepEqual(levels, ['debug', 'warn'])
  })

  it('sends what a worker has written, and removes it', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'admin-test-')), 'worker.heapsnapshot')
    await writeFile(path, '{"nodes":[]}')
    answerWith = async () => path
    const answer = await ask('GET', '/heap-snapshot?worker=2')
    assert.match(answer.body, /{"nodes":\[\]}/)
    assert.deepEqual(asked, [{ worker: '2', question: { what: 'heap-snapshot' } }])
    assert.equal(existsSync(dirname(path)), false)
  })

  it('closes the file where whoever asked has left', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'admin-test-')), 'worker.cpuprofile')
    await writeFile(path, '{"nodes":[]}')
    const written = Promise.withResolvers<string>()
    answerWith = () => written.promise
    const wire = await open(port)
    wire.send(`POST /cpu-profile?worker=1&seconds=1 HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: 0\r\n\r\n`)
    while (asked.length === 0) await new Promise(setImmediate)
    wire.socket.destroy()
    await wire.closed
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    written.resolve(path)
    while (existsSync(dirname(path))) await new Promise(setImmediate)
    await until(() => !openFiles().some((file) => file.includes('worker.cpuprofile')))
  })

  it('asks a worker for a profile of some seconds, within bounds', async () => {
    await ask('POST', '/cpu-profile?worker=1&seconds=7')
    assert.deepEqual(asked, [{ worker: '1', question: { what: 'cpu-profile', seconds: 7 } }])
    for (const seconds of ['0', '61', '1.5', 'x']) {
      assert.equal((await ask('POST', `/cpu-profile?worker=1&seconds=${seconds}`)).status, 400)
    }
  })

  it('says which workers there are when none is named, and why one did not answer', async () => {
    const unnamed = await ask('GET', '/heap-snapshot')
    assert.equal(unnamed.status, 400)
    assert.match(unnamed.body, /there are 1, 2/)
    const failed = await ask('GET', '/heap-snapshot?worker=1')
    assert.equal(failed.status, 500)
    assert.match(failed.body, /There is no worker 1 just now/)
  })

  it('answers other paths and methods as the public port would', async () => {
    const missing = await ask('GET', '/health')
    assert.deepEqual([missing.status, codeOf(missing)], [404, 'not_found'])
    const wrong = await ask('GET', '/reload')
    assert.deepEqual([wrong.status, codeOf(wrong)], [405, 'method_not_allowed'])
    assert.match(wrong.head, /^allow: POST$/im)
  })

  it('asks for the token when one is set, on every route', async () => {
    token = 'secret'
    for (const [method, path] of [
      ['GET', '/metrics'],
      ['GET', '/status'],
      ['POST', '/reload'],
      ['PUT', '/log-level'],
      ['GET', '/nothing'],
    ] as const) {
      for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic secret' }]) {
        const refused = await ask(method, path, headers)
        assert.deepEqual([refused.status, codeOf(refused)], [401, 'invalid_api_key'])
      }
    }
    const elsewhere = { authorization: 'Bearer secret', host: 'proxy.internal' }
    assert.equal((await ask('GET', '/status', elsewhere)).status, 200)
  })

  it('does not serve web pages when no token is set', async () => {
    for (const headers of [{ host: 'attacker.example' }, { host: '10.0.0.1' }, { origin: 'http://localhost:8080' }]) {
      const refused = await ask('POST', '/reload', headers)
      assert.deepEqual([refused.status, codeOf(refused)], [403, 'ip_not_allowed'])
    }
    for (const host of ['localhost:9464', '127.0.0.1', '[::1]:9464']) {
      assert.equal((await ask('GET', '/status', { host })).status, 200)
    }
  })
})
