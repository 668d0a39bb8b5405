import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { noteCut } from '../cut.ts'
import { ProxyError } from '../errors.ts'
import { Roll } from '../roll.ts'
import type { Refused } from '../wiring/refused.ts'
import { continueWhenRead } from './expectation.ts'
import { faultOf, originForm, refuseConnection, refuseRequest, refuseTunnel } from './refuse.ts'

export type Listener = (req: IncomingMessage, res: ServerResponse) => void

export type FrontSettings = Pick<
  Settings,
  'headersTimeoutMs' | 'bodyTimeoutMs' | 'keepAliveTimeoutMs' | 'maxConnections'
>

/** More is hardly a client of this API; each header costs memory before anything has been decided. */
const maxHeaders = 200
const maxHeaderBytes = 16 * 1024

/** How long a drained connection may stay idle before it is closed. Milliseconds. */
const graceMs = 1000
const sweepMs = 100
/** How long the answers may take to go out that say why there are no others. Milliseconds. */
export const lastWordsMs = 100

/** What whoever drains does at its stages. */
export interface DrainSteps {
  /** How long requests on open connections are answered as before. Milliseconds. */
  readonly grace?: number
  readonly afterGrace?: () => void
  /** The last chance to answer what is about to be cut. */
  readonly beforeCut?: () => void
}

/** The HTTP server of one worker: its limits, its count of requests, and its end. */
export class Front {
  requests = 0
  errors = 0
  private readonly server: Server
  private readonly active = new Roll<ServerResponse>()
  /** Connections whose last request has been answered before its body had come. */
  private readonly halfRead = new WeakSet<Duplex>()
  /** Connections that Node has let go of, after a CONNECT, and that are not closed yet. */
  private readonly handedOver = new Set<Duplex>()
  private listener: Listener
  private readonly onRefused: (request: Refused) => void
  private readonly clock: Clock
  private leaving = false
  private drained: Promise<void> | undefined
  /** The clock's time at which a drain cuts what is left. */
  private cutAt = Number.POSITIVE_INFINITY
  private beforeCut = () => {}
  private announcedAt: number | undefined

  /** @param onRefused told of each request that the listener is not given, but for the probes of a drain */
  constructor(
    settings: FrontSettings,
    listener: Listener,
    clock: Clock,
    onRefused: (request: Refused) => void = () => {},
  ) {
    this.listener = listener
    this.onRefused = onRefused
    this.clock = clock
    this.server = createServer({
      maxHeaderSize: maxHeaderBytes,
      // Node looks for slow requests only this often; its default of 30 s would make shorter time-outs meaningless.
      connectionsCheckingInterval: Math.min(1000, settings.headersTimeoutMs),
      insecureHTTPParser: false,
      // Node would answer without a body; `faultOf` looks for it.
      requireHostHeader: false,
    })
    this.server.maxHeadersCount = maxHeaders
    // Else full workers hand a connection round among themselves, which measured half a core of the primary.
    // Assigned this way because @types/node does not know the property.
    Object.assign(this.server, { dropMaxConnection: true })
    this.limit(settings)
    this.server.on('request', (req, res) => this.take(req, res))
    this.server.on('checkContinue', (req, res) => this.take(continueWhenRead(req, res), res))
    // An expectation that is not known may be passed over (RFC 9110, section 10.1.1); Node would say 417 and no more.
    this.server.on('checkExpectation', (req, res) => this.take(req, res))
    this.server.on('clientError', (error, socket) => {
      // A second answer to one request would be taken for the answer to the next.
      if (this.halfRead.has(socket)) socket.destroy()
      else this.refuse(socket, undefined, (id) => refuseConnection(error, socket, this.pendingOn(socket), id))
    })
    // Node would close the connection without a word.
    this.server.on('connect', ({ method }, socket) => {
      this.handedOver.add(socket)
      // Node's own listener for the time-outs is off as well: an answer that is not read would stay for good.
      if (socket instanceof Socket) socket.setTimeout(this.server.keepAliveTimeout, () => socket.destroy())
      socket.once('close', () => this.handedOver.delete(socket))
      this.refuse(socket, method, (id) => refuseTunnel(socket, this.pendingOn(socket), id))
    })
  }

  /** Requests that have not been answered to the end. */
  get inFlight(): number {
    return this.active.size
  }

  /** Replaces the limits; connections that are open already keep theirs. */
  limit({ headersTimeoutMs, bodyTimeoutMs, keepAliveTimeoutMs, maxConnections }: FrontSettings): void {
    this.server.headersTimeout = headersTimeoutMs
    this.server.requestTimeout = bodyTimeoutMs
    this.server.keepAliveTimeout = keepAliveTimeoutMs
    // Node takes 0 for "none at all".
    this.server.maxConnections = maxConnections === 0 ? Number.POSITIVE_INFINITY : maxConnections
  }

  /** From now on requests go to another listener; those that run stay where they are. */
  serveBy(listener: Listener): void {
    this.listener = listener
  }

  /** Resolves with the port. Rejects with the system's error, such as EADDRINUSE. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, () => {
        const address = this.server.address()
        resolve(typeof address === 'object' && address ? address.port : port)
      })
    })
  }

  /**
   * Takes no new connection, and resolves when the last one has gone. Requests on open connections are still answered,
   * and told to open another: closing an idle connection at once would cut off a request that is on its way.
   * At `timeoutMs` (milliseconds) whatever is left is cut; who asks again can only shorten that.
   */
  drain(timeoutMs: number, steps: DrainSteps = {}): Promise<void> {
    this.cutAt = Math.min(this.cutAt, this.clock.now() + timeoutMs)
    this.drained ??= this.leave(steps)
    if (this.clock.now() >= this.cutAt) this.endWhatIsLeft()
    return this.drained
  }

  private leave({ grace = graceMs, afterGrace = () => {}, beforeCut = () => {} }: DrainSteps): Promise<void> {
    this.leaving = true
    this.beforeCut = beforeCut
    for (const res of this.active.oldest()) closeAfter(res)
    const begun = this.clock.now()
    let cancel = () => {}
    const sweep = () => {
      const now = this.clock.now()
      if (now >= this.cutAt) this.endWhatIsLeft()
      else if (now - begun >= grace) {
        afterGrace()
        // Again and again: Node keeps the connection of a stream whose headers went out before the drain.
        this.server.closeIdleConnections()
      }
      cancel = this.clock.after(sweepMs, sweep)
    }
    sweep()
    return new Promise((resolve) => {
      // Not http's own close, which ends idle connections first thing.
      NetServer.prototype.close.call(this.server, () => {
        cancel()
        // Node says so before it has told the requests that were just cut, whose records are written then.
        setImmediate(() => setImmediate(resolve))
      })
    })
  }

  /** Gives it time for its last words first, however late this is called. */
  private endWhatIsLeft(): void {
    const now = this.clock.now()
    if (this.announcedAt === undefined) {
      this.announcedAt = now
      this.beforeCut()
    } else if (now - this.announcedAt >= lastWordsMs) this.cutAll()
  }

  private cutAll(): void {
    for (const res of this.active.oldest()) noteCut(res, 'draining')
    this.server.closeAllConnections()
    for (const socket of this.handedOver) socket.destroy()
  }

  /** The answers that are under way on a connection, in order. */
  private pendingOn(socket: Duplex): ServerResponse[] {
    return this.active.oldest().filter(({ req }) => req.socket === socket)
  }

  /**
   * The whole answer has been written, and some of it is still here: from now on the connection may be idle no longer
   * than any other. A client that never reads would keep the answer, its slot and its share of every limit for good.
   */
  private cutWhenUnread(res: ServerResponse): void {
    const { socket } = res
    // A few bytes are on their way in the next moment: most answers are no more, and should not pay for this.
    if (!socket?.writableNeedDrain) return
    // Node counts from the last byte that the client took, and then destroys the socket.
    socket.setTimeout(this.server.keepAliveTimeout)
    res.once('close', () => {
      // Node sets its own time-out behind the last answer; the next of several that were asked for may take its time.
      if (this.active.oldest().some(({ req }) => req.socket === socket)) socket.setTimeout(0)
    })
  }

  /** @param answer is given the request's id, and returns the error if it is to be told of */
  private refuse(socket: Duplex, method: string | undefined, answer: (id: string) => ProxyError | undefined): void {
    const address = socket instanceof Socket ? socket.remoteAddress : undefined
    const id = randomUUID()
    const error = answer(id)
    if (error) this.onRefused({ error, id, method, address })
  }

  private take(req: IncomingMessage, res: ServerResponse): void {
    this.requests++
    const place = this.active.enter(res)
    this.halfRead.delete(req.socket)
    res.once('prefinish', () => this.cutWhenUnread(res))
    res.once('close', () => {
      this.active.leave(place)
      if (!req.complete) this.halfRead.add(req.socket)
      if (res.statusCode >= 500) this.errors++
    })
    const fault = faultOf(req)
    if (fault) {
      this.refuse(req.socket, req.method, (id) => {
        refuseRequest(res, fault, id)
        return fault
      })
      return
    }
    req.url = originForm(req.url ?? '/')
    if (this.leaving) {
      closeAfter(res)
      // A load balancer that asks now has to look elsewhere, though this request would still be served.
      if (req.url === '/health/ready') {
        refuseRequest(res, new ProxyError('draining'), randomUUID())
        return
      }
    }
    this.listener(req, res)
  }
}

function closeAfter(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('connection', 'close')
}
