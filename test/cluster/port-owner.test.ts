import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { commandOf, listenersIn, portOwner } from '../../src/cluster/port-owner.ts'

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11111 1 0000 100 0 0 10 0
   1: 0100007F:0BB8 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000  1000        0 22222 1 0000 20 4 30 10 -1
   2: 0A00000A:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 44444 1 0000 100 0 0 10 0
   3: 00000000:10BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 33333 1 0000 100 0 0 10 0
`

describe('the owner of a port', () => {
  it('is found by the sockets that listen, not by connections or by ports that end alike', () => {
    assert.deepEqual(listenersIn(table, 3000, '127.0.0.1'), ['socket:[11111]'])
    assert.deepEqual(listenersIn(table, 0xbb, '127.0.0.1'), [])
  })

  it('is only whoever listens on the same address, or on all of them', () => {
    assert.deepEqual(listenersIn(table, 3000, '10.0.0.10'), ['socket:[44444]'])
    assert.deepEqual(listenersIn(table, 3000, '10.0.0.11'), [])
    assert.deepEqual(listenersIn(table, 0x10bb, '10.0.0.11'), ['socket:[33333]'])
    for (const all of ['0.0.0.0', '::', 'localhost']) {
      assert.deepEqual(listenersIn(table, 3000, all), ['socket:[11111]', 'socket:[44444]'])
    }
  })

  it('is named by its program and script, without the arguments, which may hold secrets', () => {
    assert.equal(commandOf('/usr/bin/node\0--inspect\0/srv/app/server.js\0--key\0hunter2\0'), 'node /srv/app/server.js')
    assert.equal(commandOf('/usr/sbin/nginx\0-g\0daemon off;\0'), 'nginx')
    assert.equal(commandOf('redis-server *:6379\0'), 'redis-server *:6379')
    assert.equal(commandOf('/usr/bin/serve\0hunter2\0'), 'serve')
  })

  it('is this very process where a test listens', async function () {
    if (process.platform !== 'linux') return assert.equal(portOwner(80, '0.0.0.0'), undefined)
    const loopback = networkInterfaces().lo?.map(({ address }) => address) ?? []
    assert.ok(loopback.includes('127.0.0.1'))
    for (const host of loopback) {
      const server = createServer().listen(0, host)
      await once(server, 'listening')
      const address = server.address()
      assert.ok(typeof address === 'object' && address)
      assert.equal(portOwner(address.port, host)?.pid, process.pid, `${this.test?.title} on ${host}`)
      server.close()
      await once(server, 'close')
      assert.equal(portOwner(address.port, host), undefined)
    }
  })
})
