import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Exchanged, exchangeFor, perform, type Received, type Step } from './exchange.ts'

/** The steps for one request; `'refuse'` closes the next connection at accept instead. */
export type Scene = readonly Step[] | 'refuse'

/**
 * One scene for every request, a list of scenes in order (the last one repeats), or a choice by request.
 * When a scene's steps are done the answer is ended cleanly.
 */
export type Script = readonly Step[] | readonly Scene[] | ((request: Received, count: number) => readonly Step[])

export interface Upstream {
  /** The full `…/v1/chat/completions`. */
  readonly url: string
  /** The base `…/v1`. */
  readonly base: string
  readonly port: number
  /** Every request whose body has arrived, in order. */
  readonly requests: readonly Received[]
  /** While true, every new connection is closed at accept. */
  refusing: boolean
  /** Connections accepted since the start, and those open now. */
  readonly connections: number
  readonly open: number
  /** Requests whose exchange is not over. */
  readonly busy: number
  /** The next request that no earlier call of `next` has returned; waits for it if need be. */
  next(): Promise<Received>
  /** Replaces the script for the requests from now on. */
  play(script: Script): void
  /**
   * Stops, and returns how many sockets were still open: close the client first and expect 0.
   * Rejects with the error of a step that threw.
   */
  close(): Promise<number>
}

/** Hands out scenes in order; knows beforehand whether the next one refuses the connection. */
class Scenes {
  private count = 0
  private readonly script: Script

  constructor(script: Script) {
    this.script = script
  }

  private get next(): Scene | undefined {
    if (typeof this.script === 'function' || this.script.every((entry) => typeof entry === 'function')) return undefined
    return this.script[Math.min(this.count, this.script.length - 1)] as Scene
  }

  refusesConnection(): boolean {
    if (this.next !== 'refuse') return false
    this.count++
    return true
  }

  stepsFor(request: Received): readonly Step[] {
    const { script, next } = this
    const count = this.count++
    if (typeof script === 'function') return script(request, count)
    if (next === undefined) return script as readonly Step[]
    // A kept-alive connection has already been accepted: it is closed now.
    return next === 'refuse' ? [(exchange) => exchange.cut('fin')] : next
  }
}

class ScriptedUpstream implements Upstream {
  readonly requests: Exchanged[] = []
  refusing = false
  connections = 0
  private scenes: Scenes
  private returned = 0
  private failure: unknown
  private readonly sockets = new Set<Socket>()
  private readonly refused = new Set<Socket>()
  private readonly waiting: (() => void)[] = []
  private readonly server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 })

  constructor(script: Script) {
    this.scenes = new Scenes(script)
    this.server.on('connection', (socket) => this.accept(socket))
    this.server.on('request', (message, response) => {
      this.serve(message, response).catch((error) => {
        this.failure ??= error
        response.destroy()
      })
    })
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}/v1`
  }

  get url(): string {
    return `${this.base}/chat/completions`
  }

  get open(): number {
    return this.sockets.size
  }

  get busy(): number {
    return this.requests.filter((request) => request.closedBy === undefined).length
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
  }

  play(script: Script): void {
    this.scenes = new Scenes(script)
  }

  async next(): Promise<Received> {
    const index = this.returned++
    while (this.requests.length <= index) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return this.requests[index]!
  }

  async close(): Promise<number> {
    // Over loopback a close by this process has reached the server within a turn of the loop or two.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    const left = this.sockets.size
    const closed = once(this.server, 'close')
    this.server.close()
    for (const socket of [...this.sockets, ...this.refused]) socket.destroy()
    await closed
    if (this.failure !== undefined) throw this.failure
    return left
  }

  private accept(socket: Socket): void {
    this.connections++
    const refused = this.refusing || this.scenes.refusesConnection()
    const kept = refused ? this.refused : this.sockets
    kept.add(socket)
    socket.once('close', () => kept.delete(socket))
    // Its bytes are still read: the kernel resets a connection that is destroyed over unread ones, and how the client
    // then fails would depend on which came first.
    if (refused) socket.end()
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = message.socket
    if (this.refused.has(socket)) return void message.resume()
    const parts: Buffer[] = []
    message.on('data', (part: Buffer) => parts.push(part))
    // A client that leaves while it sends its body has made no request.
    await new Promise((resolve) => {
      message.once('end', resolve)
      response.once('close', resolve)
    })
    if (!message.complete) return
    const request = new Exchanged(message, response, Buffer.concat(parts))
    const steps = this.scenes.stepsFor(request)
    this.requests.push(request)
    for (const wake of this.waiting.splice(0)) wake()
    await perform(steps, exchangeFor(request, response, socket))
  }
}

/** Starts a scripted upstream on a free port of 127.0.0.1. */
export async function startUpstream(script: Script): Promise<Upstream> {
  const upstream = new ScriptedUpstream(script)
  await upstream.listen()
  return upstream
}

/** A `host:port` of this machine where nothing listens: connecting fails at once. */
export async function refusingAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}
