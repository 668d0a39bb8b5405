import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'

/** What may be wrong with a provider. */
export const faults = ['refuses', 'dies mid-stream', 'hangs', 'slows', 'answers 500'] as const
export type Fault = (typeof faults)[number]

const PIECES = 4
const PACE_MS = 60
const SLOW_PACE_MS = 500

/** A provider that only streams, and whose faults come and go. */
export interface Provider {
  readonly base: string
  fault: Fault | undefined
  /** Requests received. */
  readonly requests: number
  close(): Promise<void>
}

/** Starts one; it repeats what it is asked, in pieces, so that an answer that was mixed up shows. */
export async function startProvider(): Promise<Provider> {
  const sockets = new Set<Socket>()
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => void serve(request, response))
  let fault: Fault | undefined
  let requests = 0

  server.on('connection', (socket) => {
    if (fault === 'refuses') return void socket.destroy()
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await questionOf(request)
    requests++
    if (fault === 'hangs') return
    if (fault === 'answers 500') {
      response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"broken"}}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    await speak(response, text, () => fault)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get fault() {
      return fault
    },
    set fault(now) {
      fault = now
      // Who refuses has stopped: its connections are gone as well. Who recovers was restarted.
      if (now === 'refuses' || now === undefined) for (const socket of sockets) socket.destroy()
    },
    get requests() {
      return requests
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function questionOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  const { messages } = JSON.parse(body) as { messages: { content: string }[] }
  return messages[0]?.content ?? ''
}

async function speak(response: ServerResponse, text: string, fault: () => Fault | undefined): Promise<void> {
  const size = Math.ceil(text.length / PIECES)
  for (let at = 0; at < text.length; at += size) {
    await after(fault() === 'slows' ? SLOW_PACE_MS : PACE_MS)
    if (fault() === 'dies mid-stream' && at > 0) return void response.destroy()
    if (response.destroyed) return
    response.write(event({ content: text.slice(at, at + size) }, null))
  }
  response.end(`${event({}, 'stop')}data: [DONE]\n\n`)
}

function event(delta: object, finish: string | null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`
}
