import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { createDispatcher, type PoolSettings, type ProxySettings } from '../../src/upstream/pool.ts'
import {
  certificate,
  certificatePath,
  get,
  type Listening,
  listen,
  plainServer,
  proxyServer,
  secureServer,
  unguarded,
  withAddresses,
} from './servers.ts'

const settings: PoolSettings = { connectTimeoutMs: 5000, allowH2: false, connectionTtlMs: 60_000, proxy: {} }

/** One request over a dispatcher of its own. */
async function ask(origin: string, changes: Partial<PoolSettings> = {}): Promise<string> {
  const dispatcher = createDispatcher(origin, { ...settings, ...changes })
  try {
    return await get(dispatcher, origin)
  } finally {
    await dispatcher.close()
  }
}

/** Trusts the tests' certificate while `work` runs. */
async function trusting<T>(work: () => Promise<T>): Promise<T> {
  const before = tls.getCACertificates('default')
  tls.setDefaultCACertificates([...before, certificate])
  try {
    return await work()
  } finally {
    tls.setDefaultCACertificates(before)
  }
}

describe('TLS to an upstream', () => {
  unguarded()
  let server: Listening
  let origin: string

  before(async () => {
    server = await listen(secureServer())
    origin = `https://localhost:${server.port}`
  })

  after(() => server.stop())

  it('a certificate of an unknown authority is refused', async () => {
    await assert.rejects(ask(origin), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  it('an authority that Node’s own variable names is trusted', async () => {
    const script = `
      import { createDispatcher } from ${JSON.stringify(import.meta.resolve('../../src/upstream/pool.ts'))}
      const dispatcher = createDispatcher('${origin}', ${JSON.stringify(settings)})
      const { statusCode } = await dispatcher.request({ origin: '${origin}', path: '/', method: 'GET' })
      console.log(statusCode)
      await dispatcher.destroy()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { NODE_EXTRA_CA_CERTS: certificatePath },
    })
    assert.equal(stdout.trim(), '200')
  })

  it('a trusted certificate for another name is refused', async () => {
    const asking = () => withAddresses(['127.0.0.1'], () => ask(`https://other.test:${server.port}`))
    await trusting(() => assert.rejects(asking(), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }))
  })

  it('speaks HTTP/2 only when it is told to', async () => {
    await trusting(async () => {
      assert.equal(await ask(origin), '1.1')
      assert.equal(await ask(origin, { allowH2: true }), '2.0')
    })
  })
})

describe('proxies before an upstream', () => {
  unguarded()
  const proxy = proxyServer()
  let listeningProxy: Listening
  let plain: Listening
  let secure: Listening
  let through: string

  before(async () => {
    listeningProxy = await listen(proxy.server)
    plain = await listen(plainServer())
    secure = await listen(secureServer())
    through = `http://127.0.0.1:${listeningProxy.port}`
  })

  after(() => Promise.all([listeningProxy.stop(), plain.stop(), secure.stop()]))

  beforeEach(() => {
    proxy.asked.length = 0
  })

  const table: [name: string, scheme: 'http' | 'https', settings: () => ProxySettings, method: string | undefined][] = [
    ['https goes through a tunnel', 'https', () => ({ httpsProxy: through }), 'CONNECT'],
    ['http is asked of the proxy itself', 'http', () => ({ httpProxy: through }), 'GET'],
    ['https does not use the proxy for http', 'https', () => ({ httpProxy: through }), undefined],
    ['http does not use the proxy for https', 'http', () => ({ httpsProxy: through }), undefined],
    ['an empty value is no proxy', 'https', () => ({ httpsProxy: '' }), undefined],
    [
      'a host in NO_PROXY is reached directly',
      'https',
      () => ({ httpsProxy: through, noProxy: 'x, localhost' }),
      undefined,
    ],
    ['a star in NO_PROXY stands for all', 'https', () => ({ httpsProxy: through, noProxy: '*' }), undefined],
    ['NO_PROXY may name a port', 'https', () => ({ httpsProxy: through, noProxy: 'localhost:1' }), 'CONNECT'],
    ['another host in NO_PROXY changes nothing', 'https', () => ({ httpsProxy: through, noProxy: 'other' }), 'CONNECT'],
  ]
  for (const [name, scheme, proxySettings, method] of table) {
    it(name, async () => {
      const target = `localhost:${(scheme === 'https' ? secure : plain).port}`
      const answer = await trusting(() => ask(`${scheme}://${target}`, { proxy: proxySettings() }))
      const asked = { CONNECT: [`CONNECT ${target}`], GET: [`GET http://${target}/`] }
      assert.deepEqual(proxy.asked, method === undefined ? [] : asked[method as keyof typeof asked])
      assert.equal(answer, method === 'GET' ? 'from the proxy' : scheme === 'https' ? '1.1' : 'ok')
    })
  }

  it('the upstream’s certificate is verified through a tunnel too', async () => {
    await assert.rejects(ask(`https://localhost:${secure.port}`, { proxy: { httpsProxy: through } }), {
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
  })

  it('the environment is not read: only what was handed on counts', async () => {
    const nowhere = 'http://127.0.0.1:1'
    const variables = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '*' }
    const before = { ...process.env }
    Object.assign(process.env, variables)
    const [https, http] = [`https://localhost:${secure.port}`, `http://localhost:${plain.port}`]
    try {
      await trusting(async () => {
        assert.equal(await ask(https), '1.1')
        assert.equal(await ask(https, { proxy: { httpsProxy: through } }), '1.1')
        assert.equal(await ask(http, { proxy: { httpProxy: through } }), 'from the proxy')
      })
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name]
      Object.assign(process.env, before)
    }
    assert.deepEqual(proxy.asked, [`CONNECT localhost:${secure.port}`, `GET ${http}/`])
  })

  it('a proxy that takes the connection and never answers is given up', async () => {
    const silent = plainServer()
    silent.on('connect', () => {})
    const listening = await listen(silent)
    const httpsProxy = `http://127.0.0.1:${listening.port}`
    const asking = ask(`https://localhost:${secure.port}`, { connectTimeoutMs: 20, proxy: { httpsProxy } })
    await assert.rejects(asking, { code: 'UND_ERR_HEADERS_TIMEOUT' })
    await listening.stop()
  })
})
