import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { addressName, keyName, keyring } from '../../src/limit/keys.ts'

describe('proxy keys', () => {
  it('a key with a name is shown by it', () => {
    const keys = keyring([
      { name: 'team-a', key: 'secret-1' },
      { name: 'team-b', key: 'secret-2' },
    ])
    assert.equal(keys.size, 2)
    assert.equal(keys.identify('secret-1'), 'team-a')
    assert.equal(keys.identify('secret-2'), 'team-b')
  })

  it('a key without a name is shown by the start of its digest', () => {
    const digest = createHash('sha256').update('secret-1').digest('hex')
    assert.equal(keyring([{ key: 'secret-1' }]).identify('secret-1'), `sha256-${digest.slice(0, 12)}`)
    assert.equal(keyName('secret-1'), `sha256-${digest.slice(0, 12)}`)
  })

  for (const guess of ['', 'secret-', 'secret-11', 'SECRET-1', 'team-a', 'team-a:secret-1', 'secret-1 ']) {
    it(`"${guess}" is not the key secret-1`, () => {
      assert.equal(keyring([{ name: 'team-a', key: 'secret-1' }]).identify(guess), undefined)
    })
  }

  it('a key may have limits of its own', () => {
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

  it('an empty key is refused, by its position', () => {
    assert.throws(() => keyring([{ key: 'fine' }, { name: 'name', key: '' }]), { message: /^Proxy key 2 is empty/ })
  })

  for (const name of ['', 'a b', 'a\nb', 'ü', '-a', 'a:b', 'a'.repeat(65)]) {
    it(`the name ${inspect(name)} is refused without quoting the key`, () => {
      assert.throws(
        () => keyring([{ name, key: 'planted-canary' }]),
        (error) => error instanceof Error && /name of proxy key 1/.test(error.message) && !/canary/.test(error.message),
      )
    })
  }

  it('the keys themselves are not kept', () => {
    const keys = keyring([
      { name: 'team', key: 'planted-canary' },
      { key: 'planted-canary-2', requests: 1 },
    ])
    assert.doesNotMatch(inspect(keys, { depth: null, showHidden: true }), /canary/)
  })
})

describe('clients without a key', () => {
  it('are shown by their address', () => {
    assert.equal(addressName('192.0.2.1'), 'ip-192.0.2.1')
    assert.equal(addressName('2001:db8::1'), 'ip-2001:db8::/64')
    assert.equal(addressName(undefined), 'ip-unknown')
  })
})
