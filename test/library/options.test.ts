import assert from 'node:assert/strict'
import { createProxy, type ProxyOptions, ProxyOptionsError } from '../../src/library.ts'

const url = 'http://127.0.0.1:9/v1'

/** What callers without types may give. */
function faultsOf(options: Record<string, unknown>): readonly string[] {
  try {
    createProxy(options as ProxyOptions)
  } catch (error) {
    assert.ok(error instanceof ProxyOptionsError)
    for (const fault of error.faults) assert.ok(error.message.includes(fault))
    return error.faults
  }
  return assert.fail('these options should have had faults')
}

describe('the options of the library', () => {
  it('are all checked at once, and named as the caller wrote them', () => {
    const faults = faultsOf({
      upstreams: ['localhost:1'],
      maxBodyByte: 3,
      idleTimeoutMs: -1,
      loadBalancing: 'best',
      keys: [{ nam: 'x', key: 'k' }],
      onLog: 'console',
      traced: 1,
    })
    assert.deepEqual(faults, [
      'unknown option maxBodyByte, did you mean maxBodyBytes?',
      'onLog: is not a function',
      'traced: is not true or false',
      'loadBalancing: "best" is not one of random, round-robin, least-busy, latency, hash',
      'idleTimeoutMs: -1 is not a number of milliseconds from 1 to 2147483647',
      'upstreams[0].url is not an http:// or https:// address without spaces, user, password or fragment',
      'keys[0]: unknown member nam, did you mean name?',
    ])
  })

  it('need an upstream', () => {
    for (const upstreams of [undefined, [], null]) {
      assert.match(faultsOf({ upstreams }).join(), /^upstreams: is missing; give the address/)
    }
  })

  it('may be there without a value, those of an upstream too', async () => {
    const nothing = { key: undefined, name: undefined, weight: undefined, priority: undefined, models: undefined }
    const options: Record<string, unknown> = { upstreams: [{ url, ...nothing }], hedgeAfterMs: undefined }
    const proxy = createProxy(options as ProxyOptions)
    const [upstream] = proxy.status().upstreams
    await proxy.close()
    assert.deepEqual([upstream?.name, upstream?.weight, upstream?.priority], ['127.0.0.1:9', 1, 0])
  })

  it('are held to the rules that take more than one of them', () => {
    assert.deepEqual(faultsOf({ upstreams: url, rateLimitStore: 'redis' }), [
      'redisUrl: is missing; rateLimitStore=redis needs it',
    ])
  })

  it('have nothing for what the program around them does', () => {
    for (const option of ['port', 'workers', 'adminPort', 'logDir', 'proxyApiKeys']) {
      assert.match(faultsOf({ upstreams: url, [option]: 1 }).join(), new RegExp(`^unknown option ${option}`))
    }
  })

  it('quote no key', () => {
    assert.doesNotMatch(faultsOf({ upstreams: { url, key: 'sk hunter2' } }).join(), /hunter2/)
  })
})
