import { ProxyError } from '../errors.ts'
import { type PlainAnswer, parseAnswer } from '../openai/answer.ts'
import type { Fold } from '../openai/api.ts'
import type { Consumer, Flow, Head } from '../upstream/consumer.ts'
import { BodyReader, type BodySink, type ReaderCaps } from './reader.ts'

/** Un-streams: folds the events, and accepts the plain JSON of an upstream that would not stream. */
export class Collect implements Consumer, BodySink {
  /** Nothing reaches the client before the answer is whole, so another upstream can always be asked. */
  readonly committed = false
  readonly fold: Fold
  /** The answer of an upstream that ignored `stream: true`, as it came. */
  plain: PlainAnswer | undefined
  private readonly reader: BodyReader
  head: Head | undefined
  private flow: Flow | undefined

  constructor(fold: Fold, caps: ReaderCaps) {
    this.fold = fold
    this.reader = new BodyReader(this, caps)
  }

  get events(): number {
    return this.reader.events
  }

  get whole(): boolean {
    return this.fold.whole
  }

  begin(head: Head, flow: Flow): void {
    this.head = head
    this.flow = flow
    this.reader.begin(head, flow)
  }

  push(chunk: Buffer): void {
    this.reader.push(chunk)
  }

  destroy(): void {
    this.reader.destroy()
  }

  end(): void {
    this.reader.end()
  }

  onEvent(data: string, name: string): void {
    this.fold.push(data, name)
  }

  onBatch(): void {
    if (this.fold.done) this.flow?.done()
  }

  /** @throws ProxyError `upstream_truncated` */
  onStreamEnd(): void {
    if (!this.fold.whole) throw new ProxyError('upstream_truncated', noEvents(this.events))
    this.flow?.done()
  }

  onJson(body: Buffer): void {
    this.plain = parseAnswer(body.toString())
    this.flow?.done()
  }
}

/** An empty stream and a cut one have different causes, so the message tells them apart. */
export function noEvents(events: number): { message?: string } {
  return events === 0 ? { message: 'The upstream ended its stream without a single event.' } : {}
}
