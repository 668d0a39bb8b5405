import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { request } from '../body.ts'
import type { Stand } from '../stand.ts'
import type { Identity } from './identity.ts'

const upstreamFile = new URL('upstream.ts', import.meta.url).pathname
const openedAtOnce = 100

/** An upstream that holds streams, and the clients that wait for them. */
export class Streams {
  readonly upstream: string
  private readonly child: ChildProcess
  private readonly sockets = new Set<Socket>()
  private held = 0

  private constructor(child: ChildProcess, upstream: string) {
    this.child = child
    this.upstream = upstream
    child.on('message', (message: { held?: number }) => {
      this.held = message.held ?? this.held
    })
  }

  /** @param identity with which the upstream speaks HTTP/2; it speaks HTTP/1.1 without */
  static async start(stand: Stand, wordEveryMs = 0, identity?: Identity): Promise<Streams> {
    const files = identity ? [identity.key, identity.certificate] : []
    const child = stand.spawn('held-upstream', [upstreamFile, String(wordEveryMs), ...files], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const [{ port }] = await once(child, 'message')
    return new Streams(child, `${identity ? 'https' : 'http'}://localhost:${port}`)
  }

  /** Opens so many requests more, and is fulfilled when the upstream has all of them. */
  async open(url: string, count: number, stream: boolean): Promise<void> {
    const { hostname, port, pathname } = new URL(url)
    const body = JSON.stringify({ ...request, model: 'held', stream })
    const head = `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nAuthorization: Bearer sk-benchmark\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
    const goal = this.held + count
    for (let opened = 0; opened < count; ) {
      const before = this.held
      const some = Math.min(openedAtOnce, count - opened)
      for (let at = 0; at < some; at++) this.add(connect(Number(port), hostname), head + body)
      opened += some
      await this.until((held) => held >= Math.min(goal, before + some))
    }
  }

  /** Lets all streams come to their end, and the clients leave. */
  async finish(): Promise<void> {
    this.child.send('finish')
    await this.until((held) => held === 0)
    await Promise.all([...this.sockets].map((socket) => once(socket.end(), 'close')))
  }

  private add(socket: Socket, text: string): void {
    this.sockets.add(socket)
    // Unread, the answers would stay with the proxy, which would count as its memory.
    socket.resume().write(text)
    socket.once('close', () => this.sockets.delete(socket))
    socket.on('error', (error) => {
      throw new Error('a client was cut off', { cause: error })
    })
  }

  private async until(fits: (held: number) => boolean): Promise<void> {
    while (!fits(this.held)) await once(this.child, 'message', { signal: AbortSignal.timeout(60_000) })
  }
}
