import assert from 'node:assert/strict'
import { buildUpstreams } from '../../src/config/upstreams.ts'

const [a, b, c] = ['http://a/v1', 'http://b/v1', 'http://c/v1'] as const

function keysOf(keys: string[], ...entries: { url: string; key?: string }[]) {
  return buildUpstreams({ urls: [], keys, entries }).upstreams.map(({ key }) => key)
}

describe('upstreams', () => {
  it('are named by their hosts, numbered where a host comes twice', () => {
    const { upstreams } = buildUpstreams({
      urls: ['https://api.example.com/v1', 'https://api.example.com/v2', 'http://api.example.com:8080/v1', a],
      keys: [],
      entries: [{ name: 'a', url: 'http://elsewhere/v1' }],
    })
    assert.deepEqual(
      upstreams.map(({ name }) => name),
      ['api.example.com', 'api.example.com-2', 'api.example.com:8080', 'a'],
    )
  })

  it('keep the names that the file gives, and derive none of these', () => {
    const { upstreams } = buildUpstreams({ urls: [], keys: [], entries: [{ url: a }, { url: b, name: 'a' }] })
    assert.deepEqual(
      upstreams.map(({ name }) => name),
      ['a-2', 'a'],
    )
  })

  it('are those of UPSTREAM_API_URL when it is set, with what the file says of the same address', () => {
    const { upstreams } = buildUpstreams({ urls: [b, c], keys: [], entries: [{ url: a }, { url: b, weight: 5 }] })
    assert.deepEqual(upstreams, [
      { name: 'b', url: b, weight: 5, priority: 0 },
      { name: 'c', url: c, weight: 1, priority: 0 },
    ])
  })

  it('take what the file says of the same address with or without a slash at its end', () => {
    const entries = [
      { url: `${a}/`, key: 'k' },
      { url: 'http://b/v1?x=1', weight: 5 },
    ]
    const { upstreams } = buildUpstreams({ urls: [a, 'http://b/v1/?x=1', 'http://b/v1'], keys: [], entries })
    assert.deepEqual(
      upstreams.map(({ url, key, weight }) => [url, key, weight]),
      [
        [a, 'k', 1],
        ['http://b/v1/?x=1', undefined, 5],
        ['http://b/v1', undefined, 1],
      ],
    )
  })

  it('take what the file says of just this address before what it says of one with a slash more', () => {
    const entries = [
      { url: a, name: 'one', key: 'k1' },
      { url: `${a}/`, name: 'two', key: 'k2' },
    ]
    const { upstreams, faults } = buildUpstreams({ urls: [`${a}/`, a], keys: [], entries })
    assert.deepEqual(
      upstreams.map(({ name, key }) => [name, key]),
      [
        ['two', 'k2'],
        ['one', 'k1'],
      ],
    )
    assert.deepEqual(faults, [])
  })

  it('share one key, or have one each, where an empty one stands for none', () => {
    assert.deepEqual(keysOf([], { url: a }, { url: b }), [undefined, undefined])
    assert.deepEqual(keysOf(['k'], { url: a }, { url: b }), ['k', 'k'])
    assert.deepEqual(keysOf(['k', ''], { url: a }, { url: b }), ['k', undefined])
  })

  it('keep a key of their own where there is one for all, but not where there is one for each', () => {
    assert.deepEqual(keysOf(['k'], { url: a, key: 'own' }, { url: b }), ['own', 'k'])
    assert.deepEqual(keysOf(['k1', 'k2'], { url: a, key: 'own' }, { url: b }), ['k1', 'k2'])
  })

  it('need as many keys as there are of them', () => {
    const { faults } = buildUpstreams({ urls: [a, b, c], keys: ['k1', 'k2'], entries: [] })
    assert.deepEqual(faults, ['UPSTREAM_API_KEY: has 2 keys for 3 upstreams; give one for all, or one for each'])
  })

  it('need names of their own', () => {
    const entries = [
      { url: a, name: 'x' },
      { url: b, name: 'x' },
    ]
    const { faults } = buildUpstreams({ urls: [], keys: [], entries })
    assert.deepEqual(faults, ['upstreams: the name x is given twice; each needs its own'])
  })
})
