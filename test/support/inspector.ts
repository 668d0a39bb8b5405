import { once } from 'node:events'
import type { Started } from '../cluster/program.ts'

/** To be set for a program that is to be looked into. */
export const inspectable = { NODE_OPTIONS: '--inspect=127.0.0.1:0' }

/** Looks into a program that was started with `inspectable`, by Node's own inspector: in no way of the program's. */
export class Inspector {
  private readonly socket: WebSocket
  private last = 0

  private constructor(socket: WebSocket) {
    this.socket = socket
  }

  static async open(program: Started): Promise<Inspector> {
    let address: string | undefined
    for (;;) {
      address = /ws:\S+/.exec(program.stderr)?.[0]
      if (address) break
      await once(program.child.stderr!, 'data')
    }
    const socket = new WebSocket(address)
    await once(socket, 'open')
    return new Inspector(socket)
  }

  /** Bytes on the heap once the garbage has been collected. */
  async heap(): Promise<number> {
    // Twice: what the first one finalizes is free only after the second.
    for (let turn = 0; turn < 2; turn++) await this.ask('HeapProfiler.collectGarbage')
    const { usedSize } = await this.ask('Runtime.getHeapUsage')
    return Number(usedSize)
  }

  /** What keeps the program's event loop alive, by Node's names such as `TCPSocketWrap`. */
  async resources(): Promise<string[]> {
    const expression = 'process.getActiveResourcesInfo()'
    const { result } = await this.ask('Runtime.evaluate', { expression, returnByValue: true })
    return (result as { value: string[] }).value
  }

  close(): void {
    this.socket.close()
  }

  private async ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.last
    this.socket.send(JSON.stringify({ id, method, params }))
    for (;;) {
      const [{ data }] = (await once(this.socket, 'message')) as [MessageEvent]
      const answer = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown>; error?: unknown }
      if (answer.id !== id) continue
      if (!answer.result) throw new Error(JSON.stringify(answer.error))
      return answer.result
    }
  }
}
