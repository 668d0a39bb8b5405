import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Who ended an exchange: the answer was sent whole, the client left before that, or the script cut it. */
export type Closing = 'whole' | 'client' | 'script'

/** One request as it arrived, and what became of it. */
export interface Received {
  readonly method: string
  /** Path with its query string. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The body's bytes as they came. */
  readonly body: Buffer
  /** The body parsed. Throws SyntaxError when it is not JSON. */
  readonly json: Record<string, unknown>
  /** Bytes of the answer's body that the socket has taken so far; stands still while the reader does. */
  readonly accepted: number
  /** Fulfilled when the exchange is over. */
  readonly closed: Promise<Closing>
  readonly closedBy: Closing | undefined
}

/** What a step may do with the answer. */
export interface Exchange {
  readonly request: Received
  readonly response: ServerResponse
  /** Writes body bytes (under a 200 event-stream head if none was sent); fulfilled when the socket has taken them. */
  send(bytes: string | Buffer): Promise<void>
  /** Writes past HTTP, straight to the socket. */
  raw(bytes: string | Buffer): Promise<void>
  /** Destroys the connection: `fin` as a crashed process would, `reset` with an RST. */
  cut(how: 'fin' | 'reset'): void
}

export type Step = (exchange: Exchange) => void | Promise<void>

export class Exchanged implements Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly closed: Promise<Closing>
  readonly body: Buffer
  accepted = 0
  closedBy: Closing | undefined
  cutByScript = false

  constructor(message: IncomingMessage, response: ServerResponse, body: Buffer) {
    this.method = message.method ?? ''
    this.path = message.url ?? ''
    this.headers = message.headers
    this.body = body
    this.closed = new Promise((resolve) => {
      response.once('close', () => {
        this.closedBy = this.cutByScript ? 'script' : response.writableFinished ? 'whole' : 'client'
        resolve(this.closedBy)
      })
    })
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.body.toString())
  }
}

export function exchangeFor(request: Exchanged, response: ServerResponse, socket: Socket): Exchange {
  const taken = (target: Socket | ServerResponse, bytes: string | Buffer) =>
    new Promise<void>((resolve) => {
      target.write(bytes, (error) => {
        if (!error) request.accepted += Buffer.byteLength(bytes)
        resolve()
      })
    })
  return {
    request,
    response,
    send(bytes) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      return taken(response, bytes)
    },
    raw: (bytes) => taken(socket, bytes),
    cut(how) {
      request.cutByScript = true
      if (how === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    },
  }
}

/** Does the steps one after the other until the exchange is over, then ends the answer cleanly. */
export async function perform(steps: readonly Step[], exchange: Exchange): Promise<void> {
  const { request, response } = exchange
  for (const step of steps) {
    // A step that waits, even forever, ends with its connection.
    await Promise.race([step(exchange), request.closed])
    if (request.closedBy !== undefined || response.destroyed) return
  }
  response.end()
}
