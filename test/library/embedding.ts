import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { ask } from '../cluster/traffic.ts'

// A program that embeds two proxies, one with everything on that could hold it open, and looks at itself meanwhile.
const upstream = process.argv[2] ?? ''
// What Node's fetch asks where to go. Whoever needs a forward proxy puts one there.
const dispatcher = Symbol.for('undici.globalDispatcher.1')
const own = { dispatch() {} }
Object.defineProperty(globalThis, dispatcher, { value: own, writable: true })
const before = look()
const { createProxy } = await import('../../src/library.ts')

const plain = createProxy({ upstreams: upstream })
const busy = createProxy({
  upstreams: [upstream, 'http://127.0.0.1:9/v1'],
  rateLimitRequests: 10,
  rateLimitTokens: 1000,
  hedgeAfterMs: 60_000,
  jsonHeartbeatMs: 60_000,
  probeBody: '{"model":"m","messages":[]}',
})
for (const proxy of [plain, busy]) {
  const { port } = await proxy.listen()
  const messages = [{ role: 'user', content: 'Hello?' }]
  const { body } = await ask(port, { path: '/v1/chat/completions', body: { model: 'm', messages } })
  const { choices } = JSON.parse(body)
  console.log(choices[0]?.message.content)
}
assert.deepEqual(look(), before)
await Promise.all([plain.close(), busy.close()])
// From here on nothing keeps the process alive; were there something, the test would wait for its end in vain.

/** What a library must leave alone. */
function look(): object {
  const events = [
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
    'exit',
    'uncaughtException',
    'unhandledRejection',
    'message',
    'warning',
  ]
  return {
    listeners: events.map((event) => process.listenerCount(event)),
    cluster: cluster.eventNames(),
    // Where OpenTelemetry keeps what is registered: @opentelemetry/api, internal/global-utils.
    telemetry: Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1')),
    fetches: Reflect.get(globalThis, dispatcher) === own,
    exitCode: process.exitCode,
    // Names only: a failing test prints them.
    environment: Object.keys(process.env).sort(),
  }
}
