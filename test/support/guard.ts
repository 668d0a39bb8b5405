import assert from 'node:assert/strict'
import nock from 'nock'
import { leaks } from './leaks.ts'

/**
 * No test may reach past this machine: anything but loopback fails at once, with the address in the error. And no proxy
 * that any test has started may have said what was secret to it.
 */
export const mochaHooks = {
  beforeAll() {
    nock.disableNetConnect()
    nock.enableNetConnect(/^(127\.0\.0\.1|localhost|\[?::1\]?)(:\d+)?$/)
  },
  afterAll() {
    assert.deepEqual(leaks(), [], 'secrets came out of proxies under test')
  },
}
