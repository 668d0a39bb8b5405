import type { ServerResponse } from 'node:http'

/** The client's side of a stream: knows whether it has begun, and when the client is slow. */
export class Outlet {
  private readonly res: ServerResponse
  private readonly headers: (upstream: Readonly<Record<string, string>>) => Record<string, string>
  /** Body bytes written so far. */
  bytes = 0
  /** The stream has told of its failure in its own words. */
  told = false

  /** @param headers makes the answer's headers, with the upstream's among them, when the answer begins */
  constructor(res: ServerResponse, headers: (upstream: Readonly<Record<string, string>>) => Record<string, string>) {
    this.res = res
    this.headers = headers
  }

  /** From here on a failure can only be told within the stream. */
  get begun(): boolean {
    return this.res.headersSent
  }

  /** Sends the status and the headers, unless a heartbeat has done so already. */
  begin(upstreamHeaders: Record<string, string> = {}): void {
    if (!this.begun) this.res.writeHead(200, this.headers(upstreamHeaders))
  }

  /** False when the client reads too slowly and `onDrain` should be awaited. */
  write(bytes: Buffer | string): boolean {
    this.bytes += Buffer.byteLength(bytes)
    return this.res.write(bytes)
  }

  /** A comment between two events. */
  beat(comment: string): void {
    if (this.res.destroyed) return
    this.begin()
    this.res.write(comment)
  }

  onDrain(done: () => void): void {
    this.res.once('drain', done)
  }

  end(): void {
    this.res.end()
  }
}
