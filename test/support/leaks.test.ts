import assert from 'node:assert/strict'
import { leaksIn, prompt } from './leaks.ts'

describe('the look for secrets in what a proxy under test has said', () => {
  const env = {
    UPSTREAM_API_KEY: 'upstream-key-0123, other-upstream-key',
    PROXY_API_KEYS: 'tester:proxy-key-0123456,nameless-key-0123',
    ADMIN_TOKEN: 'admin-token-0123456',
    REDIS_URL: 'redis://limiter:redis-password-0123@127.0.0.1/0',
  }
  const secrets = [
    ...['upstream-key-0123', 'other-upstream-key', 'proxy-key-0123456', 'nameless-key-0123'],
    ...['admin-token-0123456', 'redis-password-0123', prompt],
  ]
  for (const secret of secrets) {
    it(`finds ${secret}`, () => assert.deepEqual(leaksIn(env, `{"msg":"${secret}"}`), [`{"msg":"${secret}"}`]))
  }

  it('finds no name of a key, and no key that is as short as a word', () => {
    assert.deepEqual(leaksIn({ ...env, UPSTREAM_API_KEY: 'secret' }, '{"client":"tester","msg":"secret"}'), [])
  })
})
