import assert from 'node:assert/strict'
import {
  carriesClientKey,
  ownKeys,
  type RequestHeaderOptions,
  requestHeaders,
  responseHeaders,
} from '../../src/upstream/headers.ts'
import type { UpstreamConfig } from '../../src/upstream/upstream.ts'

const config: UpstreamConfig = { name: 'a', url: 'https://api.example/v1', weight: 1, priority: 1 }

function sent(options: Partial<RequestHeaderOptions>): Record<string, string> {
  const defaults = {
    client: {},
    config,
    requestId: 'id',
    providerKey: undefined,
    traceHeaders: undefined,
    passKeys: true,
    traced: false,
    hasBody: true,
  }
  return requestHeaders({ ...defaults, ...options })
}

const always = {
  accept: 'text/event-stream, application/json',
  'accept-encoding': 'identity',
  'content-type': 'application/json',
  'x-request-id': 'id',
}

describe('the headers that go upstream', () => {
  it('are few where the client sends none', () => {
    assert.deepEqual(sent({}), always)
    const { 'content-type': _, ...bodiless } = always
    assert.deepEqual(sent({ hasBody: false }), bodiless)
  })

  it('carry the client’s own key only where the operator has set none', () => {
    const carries = (options: Partial<RequestHeaderOptions>) => {
      const { client = {}, providerKey } = options
      return carriesClientKey(sent(options), options.config ?? config, { headers: client, providerKey })
    }
    const azure = { 'api-key': 'mine' }
    const fixed = { ...config, headers: { Authorization: 'Bearer operators' } }
    assert.equal(carries({}), false)
    assert.equal(carries({ providerKey: 'Bearer mine' }), true)
    assert.equal(carries({ client: azure }), true)
    assert.equal(carries({ client: azure, passKeys: false }), false)
    assert.equal(carries({ providerKey: 'Bearer mine', config: { ...config, key: 'operators' } }), false)
    assert.equal(carries({ providerKey: 'Bearer mine', config: fixed }), false)
  })

  it('have keys of the operator’s in whichever header a provider takes them', () => {
    assert.deepEqual(ownKeys(config), [])
    assert.deepEqual(ownKeys({ headers: { 'x-team': 'search', authorization: '' } }), [])
    const headers = { Authorization: 'Bearer a', 'api-key': 'b', 'X-Api-Key': ' c ', 'x-goog-api-key': 'd' }
    assert.deepEqual(ownKeys({ key: 'own', headers }), ['own', 'a', 'b', 'c', 'd'])
  })

  it('leave out what the connection calls its own', () => {
    const client = { connection: 'close, X-Hop , other', 'x-hop': '1', other: '2', 'x-end': '3' }
    assert.deepEqual(sent({ client }), { ...always, 'x-end': '3' })
  })

  for (const [name, azure] of [
    ['api.example', false],
    ['my.openai.azure.com', true],
    ['my.services.ai.azure.com', true],
    ['openai.azure.com.evil.example', false],
  ] as const) {
    it(`carry the upstream's own key as ${name} wants it`, () => {
      const own = { ...config, url: `https://${name}/v1`, key: 'own' }
      const headers = sent({ config: own, providerKey: 'Bearer theirs', client: { 'api-key': 'theirs' } })
      assert.deepEqual(headers, { ...always, ...(azure ? { 'api-key': 'own' } : { authorization: 'Bearer own' }) })
    })
  }

  it('carry the client’s key where it is the provider’s', () => {
    const client = { authorization: 'Bearer x', 'api-key': 'y' }
    assert.deepEqual(sent({ client, providerKey: 'Bearer x' }), {
      ...always,
      authorization: 'Bearer x',
      'api-key': 'y',
    })
    assert.deepEqual(sent({ client, passKeys: false }), always)
  })

  it('leave the trace context to the tracing where it is on', () => {
    const client = { traceparent: 'a', tracestate: 'b', baggage: 'c' }
    assert.deepEqual(sent({ client }), { ...always, ...client })
    assert.deepEqual(sent({ client, traced: true }), always)
  })

  it('may all be replaced by the configuration, in any letters', () => {
    const own = { ...config, headers: { 'X-Request-ID': 'mine', Accept: 'a' } }
    assert.deepEqual(sent({ config: own }), { ...always, 'x-request-id': 'mine', accept: 'a' })
  })
})

describe('the headers that come back', () => {
  it('are those on the list', () => {
    const passed = { 'retry-after': '1', 'openai-processing-ms': '2', 'x-ratelimit-remaining-tokens': '3' }
    assert.deepEqual(responseHeaders({ ...passed, server: 'x', 'set-cookie': ['a=b'], 'x-request-id': 'y' }), passed)
  })
})
