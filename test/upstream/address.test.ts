import assert from 'node:assert/strict'
import { type ApiRoute, deriveAddresses } from '../../src/upstream/address.ts'

const routes: ApiRoute[] = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/models',
  '/v1/models/:id',
]

function all(url: string): string[] {
  const { path } = deriveAddresses(url)
  return routes.map((route) => (route === '/v1/models/:id' ? path(route, '', 'm') : path(route)))
}

function under(base: string, query = ''): string[] {
  const ends = ['/chat/completions', '/completions', '/responses', '/embeddings', '/models', '/models/m']
  return ends.map((end) => `${base}${end}${query}`)
}

describe('addresses from one URL', () => {
  const table: [url: string, expected: string[]][] = [
    ['https://api.example/v1/chat/completions', under('/v1')],
    ['https://api.example/v1/completions', under('/v1')],
    ['https://api.example/v1/responses', under('/v1')],
    ['https://api.example/v1/embeddings', under('/v1')],
    ['https://api.example/v1/models', under('/v1')],
    ['https://api.example/v1/chat/completions/', under('/v1')],
    ['https://api.example/v1', under('/v1')],
    ['https://api.example/v1/', under('/v1')],
    ['https://api.example/v1//', under('/v1')],
    ['http://host:8080', under('/v1')],
    ['http://host:8080/', under('/v1')],
    ['http://host:8080?key=1', under('/v1', '?key=1')],
    ['https://api.example/chat/completions', under('')],
    ['https://api.example/api/v1', under('/api/v1')],
    ['https://api.example/v1beta/openai/', under('/v1beta/openai')],
    ['https://api.example/v1?api-version=2025-01-01', under('/v1', '?api-version=2025-01-01')],
    ['https://api.example/v1/chat/completions?a=%20b&c', under('/v1', '?a=%20b&c')],
    ['https://api.example/v1#part', under('/v1')],
  ]
  for (const [url, expected] of table) {
    it(url, () => assert.deepEqual(all(url), expected))
  }

  it('an Azure deployment keeps its routes under it, and those that Azure has above it there', () => {
    const url = 'https://name.openai.azure.example/openai/deployments/gpt/chat/completions?api-version=1'
    assert.deepEqual(all(url), [
      '/openai/deployments/gpt/chat/completions?api-version=1',
      '/openai/deployments/gpt/completions?api-version=1',
      '/openai/responses?api-version=1',
      '/openai/deployments/gpt/embeddings?api-version=1',
      '/openai/models?api-version=1',
      '/openai/models/m?api-version=1',
    ])
  })

  it('the origin has the scheme, the host and the port, and no more', () => {
    assert.equal(deriveAddresses('https://user:pass@api.example:8443/v1?a=b').origin, 'https://api.example:8443')
    assert.equal(deriveAddresses('https://api.example:443/v1').origin, 'https://api.example')
    assert.equal(deriveAddresses('http://[::1]:8080/v1').origin, 'http://[::1]:8080')
  })

  it('what is no URL is refused', () => {
    assert.throws(() => deriveAddresses('api.example/v1'), TypeError)
  })
})

describe('the client’s query and model', () => {
  const plain = deriveAddresses('https://api.example/v1')
  const versioned = deriveAddresses('https://api.example/v1?api-version=1')

  it('the client’s query is added as it came', () => {
    assert.equal(plain.path('/v1/models', 'limit=5&after=a%20b'), '/v1/models?limit=5&after=a%20b')
    assert.equal(versioned.path('/v1/models', 'limit=5'), '/v1/models?api-version=1&limit=5')
  })

  it('a parameter that the operator wrote cannot be replaced or doubled, in any spelling', () => {
    for (const query of ['api-version=2', 'api%2Dversion=2', 'api-version', '&api-version=2&']) {
      assert.equal(versioned.path('/v1/models', query), '/v1/models?api-version=1')
    }
  })

  it('a model id is one segment of the path, whatever is in it', () => {
    assert.equal(plain.path('/v1/models/:id', '', 'org/name:v1?'), '/v1/models/org%2Fname%3Av1%3F')
  })
})
