import assert from 'node:assert/strict'
import { printable } from '../../src/config/print.ts'
import { settingsFrom } from './given.ts'

const secretive = {
  env: {
    UPSTREAM_API_URL: 'https://a.example/v1?api-key=hunter2,https://b.example/v1',
    UPSTREAM_API_KEY: 'hunter2',
    PROXY_API_KEYS: 'web:hunter2',
    ADMIN_TOKEN: 'hunter2',
    REDIS_URL: 'redis://:hunter2@127.0.0.1',
    HTTPS_PROXY: 'http://u:hunter2@proxy:1',
    http_proxy: 'http://u:hunter2@proxy:1',
    PORT: '3456',
  },
}

describe('printed settings', () => {
  it('show what is in effect, and no secret', () => {
    const text = printable(settingsFrom(secretive))
    assert.match(text, /^PORT: 3456$/m)
    assert.match(text, /name: web/)
    assert.match(text, /url: https:\/\/a\.example\/v1\?\*\*\*/)
    assert.doesNotMatch(text, /hunter2/)
  })

  it('mask the headers of an upstream, where some providers take their key', () => {
    const files = { '/c': 'upstreams: [{ url: "http://a/v1", headers: { x-api-key: hunter2 } }]' }
    assert.doesNotMatch(printable(settingsFrom({ argv: ['--config', '/c'], files })), /hunter2/)
  })

  it('are a config file that says the same', () => {
    const settings = settingsFrom({ env: { UPSTREAM_API_URL: 'http://a/v1', RATE_LIMIT_REQUESTS: '5' } })
    const files = { '/c': printable(settings) }
    assert.deepEqual(settingsFrom({ argv: ['--config', '/c'], files }), settings)
  })
})
