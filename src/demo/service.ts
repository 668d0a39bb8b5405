import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { load } from './load.ts'
import { startUpstream } from './upstream.ts'

// The demo's upstream as a service of its own, for docker-compose.yml: --host and --port say where it listens, and
// with --ask it also plays the clients of the proxy at that address.
const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8000' },
    ask: { type: 'string' },
  },
})
const stop = new AbortController()
// As process 1 of a container it would not end by a signal that it does not handle.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())

const upstream = await startUpstream(systemClock, values.host, Number(values.port))
console.log(`A stream-only upstream listens on ${values.host}, port ${new URL(upstream.url).port}.`)
if (values.ask !== undefined) load({ chat: values.ask, clock: systemClock, signal: stop.signal, clients: 6 })
stop.signal.addEventListener('abort', () => upstream.close())
