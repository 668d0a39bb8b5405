import { ProxyError } from '../errors.ts'
import { createInflater, type Inflater } from '../sse/inflate.ts'
import type { Consumer, Flow, Head } from './consumer.ts'

/** Keeps a whole body as it comes: the answers of routes that are not converted, and the errors of all. */
export class Gather implements Consumer {
  events = 0
  readonly committed = false
  /** Only the end of the body tells that it is whole. */
  readonly whole = false
  head: Head | undefined
  private readonly maxBytes: number
  private readonly check: (body: Buffer) => void
  private readonly pieces: Buffer[] = []
  private size = 0
  private flow: Flow | undefined
  private inflater: Inflater | undefined

  /** @param check looks at the whole body; what it throws fails the try */
  constructor(maxBytes: number, check: (body: Buffer) => void = () => undefined) {
    this.maxBytes = maxBytes
    this.check = check
  }

  get body(): Buffer {
    return this.pieces.length === 1 ? (this.pieces[0] as Buffer) : Buffer.concat(this.pieces)
  }

  get text(): string {
    return this.body.toString()
  }

  begin(head: Head, flow: Flow): void {
    this.head = head
    this.flow = flow
    this.inflater = createInflater(head.headers['content-encoding'], {
      data: (chunk) => flow.work(() => this.keep(chunk)),
      end: () => flow.work(() => this.finish()),
      fail: (error) => flow.fail(error),
      drain: () => flow.resume(),
    })
  }

  push(chunk: Buffer): void {
    if (!this.inflater) this.keep(chunk)
    else if (!this.inflater.push(chunk)) this.flow?.pause()
  }

  end(): void {
    if (this.inflater) this.inflater.end()
    else this.finish()
  }

  destroy(): void {
    this.inflater?.destroy()
  }

  private finish(): void {
    this.check(this.body)
    this.flow?.done()
  }

  private keep(chunk: Buffer): void {
    this.events++
    this.size += chunk.length
    this.pieces.push(chunk)
    if (this.size > this.maxBytes) throw new ProxyError('upstream_too_large')
  }
}
