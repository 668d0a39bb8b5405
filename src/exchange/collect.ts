import { ProxyError } from '../errors.ts'
import { type PlainAnswer, parseAnswer, summaryOf } from '../openai/answer.ts'
import type { Api, Fold, Summary } from '../openai/api.ts'
import type { Skim } from '../sse/parse.ts'
import type { Consumer, Flow, Head } from '../upstream/consumer.ts'
import { BodyReader, type BodySink, capsFor, type ReaderCaps } from './reader.ts'

/** Un-streams: folds the events, and accepts the plain JSON of an upstream that would not stream. */
export class Collect implements Consumer, BodySink {
  /** Nothing reaches the client before the answer is whole, so another upstream can always be asked. */
  readonly committed = false
  readonly fold: Fold
  /** The answer of an upstream that ignored `stream: true`, as it came. */
  plain: PlainAnswer | undefined
  private readonly api: Pick<Api, 'answerIn'>
  private readonly note: (summary: Summary, isWhole: boolean) => void
  private noted = false
  private readonly reader: BodyReader
  head: Head | undefined
  private flow: Flow | undefined

  /** @param note told what an answer says of itself: a whole one before the try is over, a broken one when it ends */
  constructor(
    api: Pick<Api, 'answerIn' | 'hasLastEvent'>,
    fold: Fold,
    caps: ReaderCaps,
    note: (summary: Summary, isWhole: boolean) => void,
  ) {
    this.api = api
    this.fold = fold
    this.note = note
    this.reader = new BodyReader(this, capsFor(api, caps))
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
    // Also where it broke off: what the stream has said of its cost is charged all the same.
    if (!this.noted && this.events > 0) this.note(this.fold.summary(), false)
  }

  end(isCut: boolean): void {
    this.reader.end(isCut)
  }

  get skim(): Skim | undefined {
    return this.fold.skim
  }

  onEvent(bytes: string, name: string): void {
    this.fold.pushBytes(bytes, name)
  }

  onBatch(): void {
    if (this.fold.done) this.finish()
  }

  /** @throws ProxyError `upstream_truncated` */
  onStreamEnd(): void {
    if (!this.fold.whole) throw new ProxyError('upstream_truncated', noEvents(this.events))
    this.finish()
  }

  /** @throws ProxyError as `parseAnswer` does */
  onJson(body: Buffer): void {
    this.plain = parseAnswer(body.toString(), this.api)
    this.tell(summaryOf(this.plain.value))
  }

  private finish(): void {
    this.tell(this.fold.summary())
  }

  private tell(summary: Summary): void {
    this.noted = true
    this.note(summary, true)
    this.flow?.done()
  }
}

/** An empty stream and a cut one have different causes, so the message tells them apart. */
export function noEvents(events: number): { message?: string } {
  return events === 0 ? { message: 'The upstream ended its stream without a single event.' } : {}
}
