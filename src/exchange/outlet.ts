import type { ServerResponse } from 'node:http'

type MakeHeaders = (upstream: Readonly<Record<string, string>>) => Record<string, string>

/** Bytes that may wait for the end of the turn before the upstream is told to wait as well. */
const MAX_WAITING = 64 * 1024

/**
 * The client's side of a stream: knows whether it has begun, and when the client is slow.
 *
 * What comes within one turn of the event loop is written at the end of the turn, all streams' writes one behind the
 * other, since each write for itself wakes whoever reads (docs/decisions/0015-writes-at-the-end-of-the-turn.md). An idle
 * process writes at once.
 */
export class Outlet {
  private readonly res: ServerResponse
  private readonly headers: MakeHeaders
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private turn: NodeJS.Immediate | undefined
  private ending = false
  private full = false
  private onceDrained: (() => void) | undefined
  /** Body bytes of the stream so far. */
  bytes = 0
  /** The stream has told of its failure in its own words. */
  told = false

  /** @param headers makes the answer's headers, with the upstream's among them, when the answer begins */
  constructor(res: ServerResponse, headers: MakeHeaders) {
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
    const piece = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    this.bytes += piece.length
    this.push(piece)
    return !this.full && this.waitingBytes < MAX_WAITING
  }

  /** A comment between two events. */
  beat(comment: string): void {
    if (this.res.destroyed) return
    this.begin()
    this.push(Buffer.from(comment))
  }

  /** Calls `done` once when there is room again, or nobody who needs any. */
  onDrain(done: () => void): void {
    this.onceDrained = done
  }

  /** What was written before goes out first. */
  end(): void {
    this.ending = true
    this.turn ??= setImmediate(this.send)
  }

  /** Ends at once, so that whoever hears of the failure next finds the answer ended. */
  breakOff(): void {
    clearImmediate(this.turn)
    this.ending = true
    this.send()
  }

  private push(piece: Buffer): void {
    this.waiting.push(piece)
    this.waitingBytes += piece.length
    this.turn ??= setImmediate(this.send)
  }

  private readonly send = () => {
    this.turn = undefined
    const bytes = this.waiting.length === 1 ? this.waiting[0] : Buffer.concat(this.waiting)
    this.waiting = []
    this.waitingBytes = 0
    // The client has left, and is slow no longer: what the rest says of its cost is still read.
    if (this.res.destroyed) {
      this.drained()
      return
    }
    if (this.ending) {
      this.res.end(bytes)
      return
    }
    this.full = !this.res.write(bytes)
    if (!this.full) this.drained()
    else if (this.res.listenerCount('drain') === 0) this.res.on('drain', this.drained).once('close', this.drained)
  }

  private readonly drained = () => {
    this.full = false
    const done = this.onceDrained
    this.onceDrained = undefined
    done?.()
  }
}
