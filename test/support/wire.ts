import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface WireAnswer {
  status: number
  /** Header lines and status line as they came. */
  head: string
  body: string
}

/** A bare connection to an HTTP server, for requests that no client library would send. */
export interface Wire {
  readonly socket: Socket
  send(bytes: string | Buffer): void
  /** The next answer, as soon as it is there whole; fails when the connection closes before. */
  answer(): Promise<WireAnswer>
  /** Fulfilled when the connection is closed, by whomever. */
  readonly closed: Promise<void>
}

/** The head of a POST request with JSON, and `lines` as further headers. */
export function head(...lines: string[]): string {
  return ['POST / HTTP/1.1', 'host: x', 'content-type: application/json', ...lines, '', ''].join('\r\n')
}

/** A request whose body has its length announced. */
export function whole(body: string | Buffer, ...lines: string[]): Buffer {
  const length = `content-length: ${Buffer.byteLength(body)}`
  return Buffer.concat([Buffer.from(head(length, ...lines)), Buffer.from(body)])
}

/** A request whose body comes as one chunk and the end. */
export function chunkedWhole(body: string | Buffer, ...lines: string[]): Buffer {
  const start = Buffer.from(head('transfer-encoding: chunked', ...lines))
  return Buffer.concat([start, chunk(body), Buffer.from('0\r\n\r\n')])
}

export function chunk(data: string | Buffer): Buffer {
  const size = `${Buffer.byteLength(data).toString(16)}\r\n`
  return Buffer.concat([Buffer.from(size), Buffer.from(data), Buffer.from('\r\n')])
}

/** Connects to a server on this machine. The caller ends it, by `socket.end()` or `socket.destroy()`. */
export async function openWire(port: number): Promise<Wire> {
  // Half open: a test may close its own side and still read what the server says to that.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let received = ''
  let isClosed = false
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true
      resolve()
    })
  })
  // A reset comes as an error before the close, which is what tests wait for.
  socket.on('error', () => {})
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  await once(socket, 'connect')
  return {
    socket,
    closed,
    send: (bytes) => void socket.write(bytes),
    async answer() {
      for (;;) {
        const found = firstAnswer(received)
        if (found) {
          received = found.rest
          return found.answer
        }
        if (isClosed) throw new Error(`the connection closed after ${received.length} characters of an answer`)
        await Promise.race([new Promise((resolve) => socket.once('data', resolve)), closed])
      }
    },
  }
}

/** Splits off the first answer of what came, if it is whole. Answers without a length have no body here. */
function firstAnswer(received: string): { answer: WireAnswer; rest: string } | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = received.slice(0, end)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  const rest = Buffer.from(received.slice(end + 4))
  if (rest.length < length) return undefined
  const body = rest.toString('utf8', 0, length)
  return { answer: { status: Number(head.split(' ')[1]), head, body }, rest: rest.toString('utf8', length) }
}
