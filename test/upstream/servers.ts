import dns from 'node:dns'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net'
import nock from 'nock'
import type { Dispatcher } from 'undici'

/** A self-signed certificate for localhost that is its own authority; made for these tests and trusted by nobody. */
export const certificatePath = new URL('./tls/certificate.pem', import.meta.url).pathname
export const certificate = readFileSync(certificatePath, 'utf8')
const key = readFileSync(new URL('./tls/key.pem', import.meta.url), 'utf8')

/** A server that listens, and what it has seen. */
export interface Listening {
  readonly port: number
  /** Connections accepted since the start. */
  readonly connections: number
  /** Connections that are open now. */
  readonly open: number
  /** Resolves when none is open. */
  idle(): Promise<void>
  /** Stops listening and destroys every connection. */
  stop(): Promise<void>
}

const ok: RequestListener = (_, response) => response.end('ok')

export async function listen(server: NetServer, port = 0, host = '127.0.0.1'): Promise<Listening> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
    async idle() {
      for (const socket of sockets) await once(socket, 'close')
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

export function plainServer(answer = ok): Server {
  return createServer(answer)
}

/** Speaks HTTP/2 and HTTP/1.1, whichever the client prefers, and answers with the version. */
export function secureServer(): NetServer {
  const server = createSecureServer({ key, cert: certificate, allowHTTP1: true }, (request, response) =>
    response.end(request.httpVersion),
  )
  return server
}

export interface ProxyServer {
  readonly server: Server
  /** What it was asked: `CONNECT host:port`, or `GET http://host:port/`. */
  readonly asked: string[]
}

/** A forward proxy that tunnels to wherever it is told, and answers plain requests itself. */
export function proxyServer(): ProxyServer {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end('from the proxy')
  })
  server.on('connect', (request, client: Socket) => {
    asked.push(`CONNECT ${request.url}`)
    const target = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      client.pipe(target).pipe(client)
    })
    // Either side may be destroyed by the test that is over.
    target.on('error', () => client.destroy())
    client.on('error', () => target.destroy())
    client.on('close', () => target.destroy())
  })
  return { server, asked }
}

/** Sends a GET and returns the answer's text, when its connection is free again. */
export async function get(dispatcher: Dispatcher, origin: string): Promise<string> {
  const { body } = await dispatcher.request({ origin, path: '/', method: 'GET' })
  const text = await body.text()
  await new Promise((done) => setImmediate(done))
  return text
}

/** Lets every name resolve to these addresses while `work` runs; `begun` is called when the first has been tried. */
export async function withAddresses<T>(addresses: string[], work: () => Promise<T>, begun = () => {}): Promise<T> {
  const { lookup } = dns
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const fake = (_name: string, _options: object, done: (error: null, all: typeof found) => void) => {
    done(null, found)
    begun()
  }
  Object.assign(dns, { lookup: fake })
  try {
    return await work()
  } finally {
    Object.assign(dns, { lookup })
  }
}

/**
 * Takes nock's hands off the sockets for the tests of a suite. It puts itself between undici and the network even for
 * addresses that it allows, and then neither time-outs of a handshake nor ALPN nor a tunnel's TLS errors are the real ones.
 */
export function unguarded(): void {
  before(() => nock.restore())
  after(() => nock.activate())
}
