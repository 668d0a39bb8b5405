import assert from 'node:assert/strict'
import type { Stage } from '../../src/facts.ts'
import { keyName, keyring } from '../../src/limit/keys.ts'
import { type AccessOptions, access } from '../../src/middleware/access.ts'
import { type Served, serve } from '../limit/serve.ts'

const open: AccessOptions = { keys: keyring([]), allowlist: [], trustProxy: 0, trustProviderKey: true }

const answer: Stage = async (ctx) => {
  ctx.body = 'let in'
}

describe('access', () => {
  let served: Served | undefined
  const serveWith = async (options: Partial<AccessOptions>, host?: string) => {
    served = await serve([access({ ...open, ...options }), answer], host)
    return served
  }
  afterEach(() => served?.close())

  it('without proxy keys everybody may come in, and is known by address', async () => {
    const { get, states } = await serveWith({})
    assert.equal((await get()).status, 200)
    assert.equal(states[0]?.facts.client, 'ip-127.0.0.1')
    assert.equal('providerKey' in (states[0] ?? {}), false)
  })

  it('a provider key is handed on, and its digest names the client', async () => {
    const { get, states } = await serveWith({})
    await get({ authorization: 'Bearer sk-one' })
    assert.equal(states[0]?.facts.client, keyName('sk-one'))
    assert.equal(states[0]?.providerKey, 'Bearer sk-one')
  })

  it('each key on one connection names a client of its own, however they alternate', async () => {
    const { get, states } = await serveWith({})
    const keys = ['sk-one', 'sk-two', 'sk-two', 'sk-one']
    for (const key of keys) await get({ authorization: `Bearer ${key}` })
    assert.deepEqual(
      states.map(({ facts }) => facts.client),
      keys.map(keyName),
    )
  })

  it('an Authorization of another scheme is handed on as it came', async () => {
    const { get, states } = await serveWith({})
    await get({ authorization: 'Basic abc' })
    assert.equal(states[0]?.facts.client, keyName('Basic abc'))
    assert.equal(states[0]?.providerKey, 'Basic abc')
  })

  it('an empty Authorization is none', async () => {
    const { get, states } = await serveWith({})
    await get({ authorization: '' })
    assert.equal(states[0]?.facts.client, 'ip-127.0.0.1')
    assert.equal('providerKey' in (states[0] ?? {}), false)
  })

  it('a provider key that no upstream checks does not name the client', async () => {
    const { get, states } = await serveWith({ trustProviderKey: false })
    await get({ authorization: 'Bearer invented' })
    assert.equal(states[0]?.facts.client, 'ip-127.0.0.1')
    assert.equal(states[0]?.providerKey, 'Bearer invented')
  })

  it('headers that do not go upstream cannot name a client', async () => {
    const { get, states } = await serveWith({})
    await get({ 'x-api-key': 'invented' })
    assert.equal(states[0]?.facts.client, 'ip-127.0.0.1')
  })

  it("a key in Azure's header names the client, as it goes upstream", async () => {
    const { get, states } = await serveWith({})
    await get({ 'api-key': 'first' })
    await get({ 'api-key': 'second' })
    const [first, second] = states.map(({ facts }) => facts.client)
    assert.match(first ?? '', /^sha256-/)
    assert.notEqual(first, second)
  })

  const presentations: Record<string, string>[] = [
    { authorization: 'Bearer secret-1' },
    { authorization: 'bearer   secret-1 ' },
    { authorization: 'BEARER secret-1' },
    { 'api-key': 'secret-1' },
    { 'x-api-key': 'secret-1' },
    { authorization: 'Basic abc', 'api-key': 'secret-1' },
  ]
  for (const headers of presentations) {
    it(`a proxy key is known by ${JSON.stringify(headers)} and stays here`, async () => {
      const { get, states } = await serveWith({
        keys: keyring([{ name: 'team', key: 'secret-1' }, { key: 'secret-2' }]),
      })
      assert.equal((await get(headers)).status, 200)
      assert.equal(states[0]?.facts.client, 'team')
      assert.equal('providerKey' in (states[0] ?? {}), false)
    })
  }

  const strangers: Record<string, string>[] = [
    {},
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: 'secret-1' },
    { authorization: 'Basic secret-1' },
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer secret-1 x' },
    { authorization: 'Bearer team:secret-1' },
    { authorization: 'Bearer wrong', 'x-api-key': 'secret-1' },
    { 'api-key': '' },
  ]
  for (const headers of strangers) {
    it(`with proxy keys, ${JSON.stringify(headers)} is refused`, async () => {
      const { get, states } = await serveWith({ keys: keyring([{ name: 'team', key: 'secret-1' }]) })
      const got = await get(headers)
      assert.equal(got.status, 401)
      assert.equal(got.body.error?.code, 'invalid_api_key')
      assert.equal(got.headers['www-authenticate'], 'Bearer')
      assert.equal(states[0]?.facts.client, 'ip-127.0.0.1', 'the log shows where it came from')
      assert.doesNotMatch(JSON.stringify(got), /secret-1|wrong/)
    })
  }

  it('an address that is not on the list is refused before its key is looked at', async () => {
    const { get } = await serveWith({ allowlist: ['192.0.2.0/24'], keys: keyring([{ key: 'secret-1' }]) })
    const got = await get({ authorization: 'Bearer secret-1' })
    assert.equal(got.status, 403)
    assert.equal(got.body.error?.code, 'ip_not_allowed')
    assert.doesNotMatch(JSON.stringify(got), /192\.0\.2/)
  })

  it('an address on the list still needs its key', async () => {
    const { get } = await serveWith({ allowlist: ['127.0.0.0/8'], keys: keyring([{ key: 'secret-1' }]) })
    assert.equal((await get()).status, 401)
    assert.equal((await get({ authorization: 'Bearer secret-1' })).status, 200)
  })

  it('IPv4 clients of an IPv6 socket are IPv4 clients', async () => {
    const { get, states } = await serveWith({ allowlist: ['127.0.0.0/8'] }, '::ffff:127.0.0.1')
    assert.equal((await get()).status, 200)
    assert.equal(states[0]?.facts.client, 'ip-127.0.0.1')
  })

  it('a forwarded address is not believed from strangers', async () => {
    const { get, states } = await serveWith({ allowlist: ['192.0.2.0/24'] })
    assert.equal((await get({ 'x-forwarded-for': '192.0.2.1' })).status, 403)
    assert.equal(states[0]?.facts.client, 'ip-127.0.0.1')
  })

  it('behind a trusted proxy the forwarded address counts', async () => {
    const { get, states } = await serveWith({ allowlist: ['192.0.2.0/24'], trustProxy: 1 })
    assert.equal((await get({ 'x-forwarded-for': '198.51.100.1, 192.0.2.1' })).status, 200)
    assert.deepEqual([states[0]?.facts.client, states[0]?.facts.address], ['ip-192.0.2.1', '192.0.2.1'])
    assert.equal((await get({ 'x-forwarded-for': '192.0.2.1, 198.51.100.1' })).status, 403)
  })

  it('a bad allow-list is said before any request', () => {
    assert.throws(() => access({ ...open, allowlist: ['nonsense'] }), /"nonsense" is no IP address/)
  })
})
