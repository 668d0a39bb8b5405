import { connect, type Socket } from 'node:net'

/** What came of requests that arrived at a fixed rate, whatever became of those before them. */
export interface Arrived {
  readonly seconds: number
  /** Requests that were to be sent. */
  readonly arrived: number
  /** Answers with 200, and with 503. */
  readonly good: number
  readonly refused: number
  /** What no connection was left for: all of them wait for an answer. */
  readonly unsent: number
  /** Everything else: other statuses, and broken connections. */
  readonly failed: number
  /** From sending to the whole answer, for those with 200. Milliseconds. */
  readonly goodMs: readonly number[]
}

/** More open requests than this are a client that has given up. */
export const MOST_CONNECTIONS = 6000

/** In place of a status. */
const UNSENT = -1
const BROKEN = 0

/**
 * Clients that do not wait for each other: requests leave at `rate` a second over kept connections, a new one when all
 * are busy. Bare sockets, since the generator shares the machine with what it measures.
 */
export class Arrivals {
  private readonly port: number
  private readonly bytes: Buffer
  private readonly free: Connection[] = []
  private readonly all = new Set<Connection>()

  constructor(port: number, path: string, body: string) {
    this.port = port
    const lines = ['host: bench', 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`]
    this.bytes = Buffer.from([`POST ${path} HTTP/1.1`, ...lines, '', body].join('\r\n'))
  }

  /** Sends for `seconds`, tells that they are over, then waits until the last one has been answered. */
  async run(rate: number, seconds: number, over = () => {}): Promise<Arrived> {
    const goodMs: number[] = []
    const counts = { arrived: 0, refused: 0, unsent: 0, failed: 0 }
    const from = performance.now()
    const done: Promise<void>[] = []
    const note = (status: number, ms: number) => {
      if (status === 200) goodMs.push(ms)
      else if (status === UNSENT) counts.unsent++
      else counts[status === 503 ? 'refused' : 'failed']++
    }
    for (let passed = 0; passed < seconds * 1000; passed = performance.now() - from) {
      for (const due = (passed / 1000) * rate; counts.arrived < due; counts.arrived++) done.push(this.send(note))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    // Answers that come after the time are not counted as goodput of this time.
    const good = goodMs.length
    over()
    await Promise.all(done)
    return { seconds, good, goodMs, ...counts }
  }

  close(): void {
    for (const connection of this.all) connection.socket.destroy()
  }

  private async send(note: (status: number, ms: number) => void): Promise<void> {
    const from = performance.now()
    const connection = this.free.pop() ?? this.open()
    const status = connection ? await connection.ask(this.bytes) : UNSENT
    if (connection && !connection.socket.destroyed) this.free.push(connection)
    note(status, performance.now() - from)
  }

  private open(): Connection | undefined {
    if (this.all.size >= MOST_CONNECTIONS) return undefined
    const connection = new Connection(connect(this.port, '127.0.0.1'))
    this.all.add(connection)
    connection.socket.once('close', () => this.all.delete(connection))
    return connection
  }
}

/** One kept connection, with at most one request under way. */
class Connection {
  readonly socket: Socket
  private text = ''
  private answered: (status: number) => void = () => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay().setEncoding('latin1')
    socket.on('data', (text: string) => this.take(text))
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.answered(BROKEN))
    // An idle connection that the proxy closes must not be picked for the next request.
    socket.once('end', () => socket.destroy())
  }

  /** Resolves with the status, or with BROKEN. */
  ask(bytes: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.answered = resolve
      if (this.socket.destroyed) resolve(BROKEN)
      else this.socket.write(bytes)
    })
  }

  private take(text: string): void {
    this.text += text
    const end = this.text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.text.slice(0, end))?.[1] ?? 0)
    if (this.text.length < end + 4 + length) return
    const status = Number(this.text.slice(9, 12))
    this.text = ''
    this.answered(status)
  }
}
