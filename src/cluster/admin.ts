import { open, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Clock, systemClock } from '../clock.ts'
import { ProxyError, toProxyError } from '../errors.ts'
import { negotiate } from '../telemetry/exposition.ts'
import type { Logger } from '../telemetry/log.ts'
import { readLevel, readSeconds, readWorker } from './admin-input.ts'
import { admit } from './admit.ts'
import type { Control } from './control.ts'
import { Feed } from './feed.ts'
import { livePage } from './live.ts'
import type { Question } from './messages.ts'

export interface AdminParts {
  readonly control: Control
  readonly log: Logger
  /** Asked at each request: a reload may change it. */
  token(): string | undefined
  readonly clock?: Clock
}

export interface Admin {
  /** Resolves with the port. Rejects with the system's error, such as EADDRINUSE. */
  listen(port: number, host: string): Promise<number>
  close(): void
}

type Handler = (control: Control, req: IncomingMessage, res: ServerResponse, url: URL) => Promise<void>

/** A snapshot of a heap of gigabytes takes about a minute. Milliseconds. */
const heapSnapshotMs = 120_000

const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  '/metrics': { GET: metrics },
  '/status': { GET: async (control, _req, res) => sendJson(res, await control.status()) },
  '/reload': { POST: reload },
  '/log-level': { PUT: logLevel, POST: logLevel },
  '/heap-snapshot': { GET: (...args) => sendFile(...args, { what: 'heap-snapshot' }, heapSnapshotMs) },
  '/cpu-profile': { POST: cpuProfile },
}

/** The admin port: metrics, status and control for the operator. Never on the public port. */
export function createAdmin({ control, log, token, clock = systemClock }: AdminParts): Admin {
  const feed = new Feed({ control, log, clock })
  const pages = livePage(feed, token)
  const server = createServer((req, res) => {
    handle(req, res).catch((error: unknown) => {
      // Whoever asked has left, in the middle of a file most likely.
      if (res.destroyed) return
      const refusal = toProxyError(error)
      if (refusal.code === 'internal_error') log.error({ err: error }, 'an admin request failed')
      if (res.headersSent) return res.destroy()
      return sendJson(res, refusal.toJSON(), refusal.status, refusal.headers())
    })
  })
  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = URL.parse(req.url ?? '/', 'http://admin')
    const page = pages(url?.pathname ?? '')
    // The page has rules of its own: it must be there for a browser that does not have the token yet.
    if (page) return choose(page, req)(req, res)
    admit(req, token())
    const methods = routes[url?.pathname ?? '']
    if (!url || !methods)
      throw new ProxyError('not_found', { message: `The admin routes are /, ${Object.keys(routes).join(', ')}.` })
    await choose(methods, req)(control, req, res, url)
  }
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port, host, exclusive: true }, () => {
          const address = server.address()
          resolve(typeof address === 'object' && address ? address.port : port)
        })
      }),
    close() {
      feed.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

function choose<Some>(methods: Readonly<Record<string, Some>>, { method = '' }: IncomingMessage): Some {
  const handler = methods[method]
  if (handler) return handler
  throw new ProxyError('method_not_allowed', { headers: { allow: Object.keys(methods).join(', ') } })
}

async function metrics(control: Control, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { body, contentType } = await control.metrics(negotiate(req.headers.accept))
  res.writeHead(200, { 'content-type': contentType }).end(body)
}

async function reload(control: Control, _req: IncomingMessage, res: ServerResponse): Promise<void> {
  const faults = await control.reload()
  if (faults.length > 0) {
    throw new ProxyError('invalid_request', {
      message: `The new configuration was refused; the old one stays. ${faults.join(' · ')}`,
    })
  }
  sendJson(res, { reloaded: true })
}

async function logLevel(control: Control, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const level = await readLevel(req)
  control.setLevel(level)
  sendJson(res, { level })
}

async function cpuProfile(control: Control, req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
  const seconds = readSeconds(url.searchParams)
  await sendFile(control, req, res, url, { what: 'cpu-profile', seconds }, seconds * 1000 + 10_000)
}

/** Lets a worker write a file, sends it, and removes it. */
async function sendFile(
  control: Control,
  _req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  question: Question,
  timeoutMs: number,
): Promise<void> {
  const worker = readWorker(url.searchParams, control.workers())
  const path = await control.ask(worker, question, timeoutMs).catch((error: unknown) => {
    // The operator may read the reason: no room in the folder for it, or a worker that is being profiled already.
    throw new ProxyError('internal_error', {
      message: error instanceof Error ? error.message : 'unknown',
      cause: error,
    })
  })
  if (typeof path !== 'string') throw new TypeError('a worker answered with something that is no path')
  const file = await open(path)
  // Gone from the folder before it is sent: it holds prompts and keys, and whoever asked may leave.
  await rm(dirname(path), { recursive: true, force: true })
  const type = question.what === 'cpu-profile' ? 'cpuprofile' : 'heapsnapshot'
  res.writeHead(200, {
    'content-type': 'application/json',
    'content-disposition': `attachment; filename="worker-${worker}.${type}"`,
  })
  try {
    // Where whoever asked has left, the stream is never begun, and would not close the file.
    await pipeline(file.createReadStream({ autoClose: false }), res)
  } finally {
    await file.close()
  }
}

function sendJson(res: ServerResponse, value: object, status = 200, headers: Record<string, string> = {}): void {
  res.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`)
}
