import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import pino from 'pino'
import { type Admin, createAdmin } from '../../src/cluster/admin.ts'
import type { Control } from '../../src/cluster/control.ts'
import { MovedClock } from '../support/clock.ts'
import { withBareSockets } from './bare.ts'

let admin: Admin
let port: number
let token: string | undefined
let looks: number
let clock: MovedClock

const control: Control = {
  metrics: async () => ({ body: '', contentType: 'text/plain' }),
  status: async () => ({}),
  async look() {
    looks++
    return { workers: [], metrics: [] }
  },
  reload: async () => [],
  setLevel() {},
  workers: () => [],
  ask: async () => undefined,
}

/** An answer whose body has not been read. */
function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers: { host: `127.0.0.1:${port}`, ...headers } }, resolve)
      .on('error', reject)
      .end()
  })
}

async function statusOf(method: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await ask(method, path, headers)
  answer.destroy()
  return answer.statusCode ?? 0
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of answer.setEncoding('utf8')) text += part
  return text
}

/** The next part of a feed. */
function part(answer: IncomingMessage): Promise<string> {
  return new Promise((resolve) => answer.once('data', (data) => resolve(String(data))))
}

const cookieOf = (answer: IncomingMessage) => answer.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

describe('the live page on the admin port', () => {
  withBareSockets()
  beforeEach(async () => {
    token = undefined
    looks = 0
    clock = new MovedClock()
    admin = createAdmin({ control, log: pino({ enabled: false }), token: () => token, clock })
    port = await admin.listen(0, '127.0.0.1')
  })
  afterEach(() => admin.close())

  it('has everything that it is made of, under a policy that forbids the rest', async () => {
    const page = await ask('GET', '/')
    const html = await textOf(page)
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; script-src 'self'; style-src/)
    assert.doesNotMatch(String(page.headers['content-security-policy']), /unsafe|\*|data:|http/)
    assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:/)
    const files = Array.from(html.matchAll(/(?:href|src)="(page\/[^"]+)"/g), ([, file]) => file)
    assert.ok(files.includes('page/main.js') && files.includes('page/uplot.css'))
    for (const file of files) assert.equal(await statusOf('GET', `/${file}`), 200, file)
    assert.equal(await statusOf('GET', '/page/uplot.js'), 200)
  })

  it('has no other files, however they are asked for', async () => {
    for (const path of [
      'nothing.js',
      '../cluster/admin.ts',
      '..%2Fcluster%2Fadmin.ts',
      'tsconfig.json',
      'uplot.d.ts',
      '',
    ])
      assert.equal(await statusOf('GET', `/page/${path}`), 404, path)
    assert.equal(await statusOf('POST', '/'), 405)
  })

  it('is told at once, and then after each second', async () => {
    const feed = await ask('GET', '/live')
    assert.equal(feed.headers['content-type'], 'text/event-stream')
    assert.match(await part(feed), /^data: \{"at":1700000000000,.*\}\n\n$/)
    const second = part(feed)
    clock.move(1000)
    assert.match(await second, /^data: \{"at":1700000001000,/)
    feed.destroy()
  })

  it('asks the workers once for all who look, and not at all when nobody does', async () => {
    clock.move(10_000)
    assert.equal(looks, 0)
    const [one, other] = [await ask('GET', '/live'), await ask('GET', '/live')]
    await part(one)
    const both = Promise.all([part(one), part(other)])
    clock.move(1000)
    await both
    assert.equal(looks, 2)
    for (const feed of [one, other]) feed.destroy()
    // The server notices on its own sockets, when it comes to it; the pause after that ends with nobody there.
    while (clock.pending > 0) {
      await statusOf('GET', '/status')
      clock.move(1000)
    }
    const last = looks
    clock.move(10_000)
    assert.equal(looks, last)
  })

  it('turns viewers away when there are too many', async () => {
    const feeds = []
    for (let n = 0; n < 20; n++) feeds.push(await ask('GET', '/live'))
    assert.equal(await statusOf('GET', '/live'), 503)
    for (const feed of feeds) feed.destroy()
  })

  describe('without a token', () => {
    it('is shown on this machine, by a loopback name', async () => {
      for (const host of ['localhost:9464', '127.0.0.1', '[::1]:9464']) {
        assert.equal(await statusOf('GET', '/', { host }), 200)
        assert.equal(await statusOf('GET', '/live', { host, 'sec-fetch-site': 'same-origin' }), 200)
      }
    })

    it('says what to set when it is asked for by another name, and tells nothing', async () => {
      for (const path of ['/', '/page/main.js', '/live']) {
        const refused = await ask('GET', path, { host: 'rebound.example:9464', origin: 'http://rebound.example:9464' })
        assert.equal(refused.statusCode, 403)
        assert.match(await textOf(refused), /Without ADMIN_TOKEN/)
      }
    })

    it('lets its own modules be fetched, and tells other pages nothing', async () => {
      const host = `localhost:${port}`
      assert.equal(await statusOf('GET', '/page/main.js', { host, origin: `http://${host}` }), 200)
      assert.equal(await statusOf('GET', '/page/main.js', { host, origin: 'http://localhost:8080' }), 403)
      for (const site of ['cross-site', 'same-site']) {
        assert.equal(await statusOf('GET', '/live', { host, 'sec-fetch-site': site }), 403)
      }
    })
  })

  describe('with a token', () => {
    beforeEach(() => {
      token = 'a-token'
    })

    it('is there for everybody, and its figures are not', async () => {
      assert.equal(await statusOf('GET', '/', { host: 'proxy.internal' }), 200)
      assert.equal(await statusOf('GET', '/live'), 401)
      assert.equal(await statusOf('GET', '/live', bearer('wrong')), 401)
      assert.equal(await statusOf('GET', '/live', bearer('a-token')), 200)
    })

    it('changes the token for a cookie that opens the feed and nothing else', async () => {
      assert.equal(await statusOf('POST', '/session', bearer('wrong')), 401)
      const signedIn = await ask('POST', '/session', { ...bearer('a-token'), origin: 'http://proxy.internal' })
      assert.match(signedIn.headers['set-cookie']?.[0] ?? '', /; Path=\/; HttpOnly; SameSite=Strict$/)
      const cookie = cookieOf(signedIn)
      assert.doesNotMatch(cookie, /a-token/)
      assert.equal(await statusOf('GET', '/live', { cookie: `other=1; ${cookie}` }), 200)
      for (const [method, path] of [
        ['GET', '/status'],
        ['GET', '/metrics'],
        ['POST', '/reload'],
      ] as const) {
        assert.equal(await statusOf(method, path, { cookie }), 401)
      }
    })

    it('does not take a cookie that is cut, longer, of another token, or of other letters', async () => {
      const cookie = cookieOf(await ask('POST', '/session', bearer('a-token')))
      const other = `${cookie.slice(0, -1)}${cookie.endsWith('0') ? '1' : '0'}`
      for (const wrong of [
        cookie.slice(0, -1),
        `${cookie}0`,
        other,
        `${cookie.slice(0, -1)}\xe9`,
        'openai-proxy-page=',
      ]) {
        assert.equal(await statusOf('GET', '/live', { cookie: wrong }), 401, wrong)
      }
      token = 'another-token'
      assert.equal(await statusOf('GET', '/live', { cookie }), 401)
    })

    it('cuts off who looks when the token changes', async () => {
      const feed = await ask('GET', '/live', bearer('a-token'))
      await part(feed)
      token = 'another-token'
      const ended = textOf(feed)
      clock.move(1000)
      assert.equal(await ended, '')
    })

    it('takes the cookie back', async () => {
      const cookie = cookieOf(await ask('POST', '/session', bearer('a-token')))
      const signedOut = await ask('DELETE', '/session', { cookie })
      assert.equal(signedOut.statusCode, 204)
      assert.match(signedOut.headers['set-cookie']?.[0] ?? '', /=; .*Max-Age=0$/)
      assert.equal(await statusOf('DELETE', '/session'), 401)
    })
  })
})
