import assert from 'node:assert/strict'
import { faultsFrom, settingsFrom } from './given.ts'

describe('the headers for an upstream', () => {
  const given = (headers: Record<string, string>, env: Record<string, string> = {}, url = 'https://a.example/v1') => ({
    env: { CONFIG_FILE: 'c', ...env },
    files: { c: JSON.stringify({ upstreams: [{ name: 'a', url, headers }] }) },
  })

  it('cannot be those that the proxy has to write itself: no request would arrive', () => {
    const headers = { 'Transfer-Encoding': 'chunked', 'content-length': '5', Expect: '100-continue', Upgrade: 'h2c' }
    assert.deepEqual(
      faultsFrom(given({ ...headers, 'x-team': 'search' })),
      Object.keys(headers).map(
        (name) => `upstreams: a has ${name} among its headers, which this proxy has to write itself; take it out`,
      ),
    )
  })

  it('can be a host of another name, and a connection that is closed each time', () => {
    const headers = { Host: 'api.example.com', Connection: 'close' }
    assert.deepEqual(settingsFrom(given(headers)).upstreams[0]?.headers, headers)
    const [fault] = faultsFrom(given({ Connection: 'a b' }))
    assert.equal(fault, 'upstreams: a has Connection among its headers, which can only be close; take it out')
  })

  it('cannot be what the forward proxy wants to know, where there is one before the upstream', () => {
    const secret = { 'Proxy-Authorization': 'Basic aHVudGVyMg==' }
    const proxy = 'http://proxy.example:3128'
    const [fault = '', ...rest] = faultsFrom(given(secret, { HTTPS_PROXY: proxy }))
    assert.match(
      fault,
      /^upstreams: a has Proxy-Authorization among its headers, .* the address of HTTPS_PROXY instead$/,
    )
    assert.deepEqual(rest, [])
    assert.match(
      faultsFrom(given(secret, { HTTP_PROXY: proxy }, 'http://a.example/v1')).join(),
      /of HTTP_PROXY instead/,
    )
    settingsFrom(given(secret))
    settingsFrom(given(secret, { HTTP_PROXY: proxy }))
    settingsFrom(given(secret, { HTTPS_PROXY: proxy, NO_PROXY: 'a.example' }))
  })
})
