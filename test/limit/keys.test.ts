import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { addressName, keyName, keyring } from '../../src/limit/keys.ts'

describe('proxy keys', () => {
  it('a key with a name is shown by it', () => {
    const keys = keyring(['team-a:secret-1', 'team-b:secret-2'])
    assert.equal(keys.size, 2)
    assert.equal(keys.identify('secret-1'), 'team-a')
    assert.equal(keys.identify('secret-2'), 'team-b')
  })

  it('a key without a name is shown by the start of its digest', () => {
    const digest = createHash('sha256').update('secret-1').digest('hex')
    assert.equal(keyring(['secret-1']).identify('secret-1'), `key-${digest.slice(0, 12)}`)
    assert.equal(keyName('secret-1'), `key-${digest.slice(0, 12)}`)
  })

  for (const guess of ['', 'secret-', 'secret-11', 'SECRET-1', 'team-a', 'team-a:secret-1', 'secret-1 ']) {
    it(`"${guess}" is not the key secret-1`, () => {
      assert.equal(keyring(['team-a:secret-1']).identify(guess), undefined)
    })
  }

  it('only the first colon ends the name', () => {
    assert.equal(keyring(['team:a:b:c']).identify('a:b:c'), 'team')
  })

  it('white space around entries, as in a file of keys, is no part of them', () => {
    const keys = keyring([' team : secret-1 ', ' secret-2\r'])
    assert.equal(keys.identify('secret-1'), 'team')
    assert.equal(keys.identify('secret-2'), keyName('secret-2'))
  })

  it('the configuration file may give a key limits of its own', () => {
    const keys = keyring([
      { name: 'big', key: 'secret-1', requests: 100, concurrency: 0 },
      { name: 'plain', key: 'secret-2' },
      { key: 'secret-3', tokens: 5 },
    ])
    assert.equal(keys.identify('secret-1'), 'big')
    assert.deepEqual(
      [...keys.limits],
      [
        ['big', { requests: 100, concurrency: 0 }],
        [keyName('secret-3'), { tokens: 5 }],
      ],
    )
  })

  it('two keys may share a name while one replaces the other', () => {
    const keys = keyring([
      { name: 'team', key: 'old', requests: 5 },
      { name: 'team', key: 'new', requests: 5 },
    ])
    assert.equal(keys.identify('old'), 'team')
    assert.equal(keys.identify('new'), 'team')
    assert.deepEqual([...keys.limits], [['team', { requests: 5 }]])
  })

  it('keys that share a name cannot have different limits', () => {
    const entries = [
      { name: 'team', key: 'old', requests: 5 },
      { name: 'team', key: 'new' },
    ]
    assert.throws(() => keyring(entries), /named "team" have different limits/)
  })

  for (const entry of ['', 'name:', { name: 'name', key: '' }]) {
    it(`${inspect(entry)} is refused as empty, by its position`, () => {
      assert.throws(() => keyring(['fine', entry]), { message: /^Proxy key 2 is empty/ })
    })
  }

  for (const entry of [
    ':planted-canary',
    'a b:planted-canary',
    'a\nb:planted-canary',
    { name: 'ü', key: 'planted-canary' },
  ]) {
    it(`the name in ${inspect(entry)} is refused without quoting the key`, () => {
      assert.throws(
        () => keyring([entry]),
        (error) => error instanceof Error && /name of proxy key 1/.test(error.message) && !/canary/.test(error.message),
      )
    })
  }

  it('the keys themselves are not kept', () => {
    const keys = keyring(['team:planted-canary', { key: 'planted-canary-2', requests: 1 }])
    assert.doesNotMatch(inspect(keys, { depth: null, showHidden: true }), /canary/)
  })
})

describe('clients without a key', () => {
  it('are shown by their address', () => {
    assert.equal(addressName('192.0.2.1'), 'ip-192.0.2.1')
    assert.equal(addressName(undefined), 'ip-unknown')
  })
})
