import type { ServerResponse } from 'node:http'
import type { CreateApp } from '../../../src/cluster/service.ts'
import type { BreakerMessage } from '../../../src/wiring/surroundings.ts'

/**
 * An app that does on request what the real one must never do: fall over, hoard memory, refuse to be made. For the
 * processes around it there is no difference.
 */
export const createTinyApp: CreateApp = (settings, surroundings) => {
  const heard: BreakerMessage[] = []
  const hoard: unknown[] = []
  let inFlight = 0
  let draining = false
  let snapshots = 0
  const routes: Record<string, (res: ServerResponse, query: URLSearchParams) => void> = {
    '/hello': (res) => send(res, { pid: process.pid, maxAttempts: settings.maxAttempts }),
    '/fail': (res) => res.writeHead(500).end(),
    '/stream': (res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      // Ends when the test says so, by the next request to /end.
      res.write('data: begun\n\n')
      streams.add(res)
    },
    '/end': (res) => {
      for (const stream of streams) stream.end('data: [DONE]\n\n')
      streams.clear()
      send(res, {})
    },
    '/crash': () => setImmediate(() => fall()),
    '/hoard': (res, query) => {
      hoard.push(Array.from({ length: Number(query.get('mb')) * 131_072 }, (_, index) => index + 0.5))
      send(res, { pid: process.pid })
    },
    '/tell': (res, query) => {
      const upstream = query.get('upstream') ?? 'a'
      surroundings.send({ kind: 'breaker', upstream, state: 'open', until: Date.now() + 60_000 })
      send(res, { pid: process.pid })
    },
    '/log': (res) => {
      surroundings.log.debug({}, 'said at debug level')
      send(res, { level: surroundings.log.level })
    },
  }
  const streams = new Set<ServerResponse>()
  if (settings.upstreams.some(({ name }) => name === 'unusable')) throw new Error('the app cannot be made')
  return {
    listener(req, res) {
      const url = new URL(req.url ?? '/', 'http://tiny')
      inFlight++
      res.once('close', () => inFlight--)
      if (draining) res.writeHead(503).end()
      else (routes[url.pathname] ?? notFound)(res, url.searchParams)
    },
    refused() {},
    inFlight: () => inFlight,
    ready: () => !draining,
    wake() {},
    drain() {
      draining = true
    },
    endAll() {},
    status: () => ({ heard, snapshots }),
    live: () => ({ upstreams: [], requests: [], failures: [] }),
    hear: (message) => heard.push(message),
    totals: () => [],
    async snapshot() {
      snapshots++
      return []
    },
    async close() {},
  }
}

function fall(): never {
  throw new Error('nobody catches this')
}

function send(res: ServerResponse, value: object): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function notFound(res: ServerResponse): void {
  res.writeHead(404).end()
}
