import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { metric, setting } from './setting.ts'

describe('a request that the server around the app has refused', () => {
  const on = setting()
  const error = new ProxyError('headers_too_large')

  it('is logged and counted like any other', async () => {
    const proxy = await on.proxy(['http://127.0.0.1:9/v1'])
    proxy.app.refused({ error, id: 'one', method: undefined, address: '::ffff:192.0.2.1' })
    const line = await proxy.line(({ msg }) => msg === 'request')
    assert.deepEqual(
      [line.request_id, line.client, line.route, line.status, line.code],
      ['one', 'ip-192.0.2.1', 'other', 431, 'headers_too_large'],
    )
    assert.equal(await metric(proxy, 'proxy_rejected_total', { code: 'headers_too_large' }), 1)
    const labels = { route: 'other', method: 'other', status: '431', le: '+Inf' }
    assert.equal(await metric(proxy, 'http_server_request_duration_seconds', labels), 1)
    assert.equal(proxy.app.inFlight(), 0)
  })

  it('is told of without an address, where the client has gone meanwhile', async () => {
    const proxy = await on.proxy(['http://127.0.0.1:9/v1'])
    proxy.app.refused({ error, id: 'one', method: 'GET', address: undefined })
    const line = await proxy.line(({ msg }) => msg === 'request')
    assert.deepEqual([line.client, line.method], ['ip-unknown', 'GET'])
  })
})
