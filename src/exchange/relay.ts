import { ProxyError } from '../errors.ts'
import { parseAnswer, summaryOf } from '../openai/answer.ts'
import { type Api, isDone, type Summary } from '../openai/api.ts'
import { Watch } from '../openai/watch.ts'
import { type Skim, tooLarge } from '../sse/parse.ts'
import { createUsageStripper, type UsageStripper } from '../sse/strip.ts'
import type { Consumer, Flow, Head } from '../upstream/consumer.ts'
import { responseHeaders } from '../upstream/headers.ts'
import { EventGate } from './boundary.ts'
import { noEvents } from './collect.ts'
import type { Outlet } from './outlet.ts'
import { BodyReader, type BodySink, capsFor, type ReaderCaps } from './reader.ts'

export const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/** The names of fields make an event longer than its data: pretty-printed, with a line for each member, by half. */
const FRAMING = 2

export interface RelayOptions {
  readonly api: Api
  readonly outlet: Outlet
  /** The name of the upstream: of two that are asked at the same time, the one that begins is shown to the client. */
  readonly upstream: string
  readonly caps: ReaderCaps
  /** The client asked for the usage chunk itself. */
  readonly includeUsage: boolean
  /** The proxy asked for a usage chunk that the client did not want: it is taken out again. */
  readonly stripUsage: boolean
  /** Told what the answer said of itself, before the try is over. */
  note(summary: Summary): void
}

/**
 * Passes a stream through, byte for byte and whole events at a time: a client that reads JSON line by line must not
 * get half an event when the upstream breaks off within it.
 */
export class Relay implements Consumer, BodySink {
  private readonly watch: Watch
  private readonly options: RelayOptions
  private readonly reader: BodyReader
  private readonly maxEventBytes: number
  private readonly stripper: UsageStripper | undefined
  private summary: Summary | undefined
  private head: Head | undefined
  private flow: Flow | undefined
  private readonly gate = new EventGate()
  /** Whole events that wait for the first one with data, comments before it. */
  private ready: Buffer[] = []
  private readyBytes = 0
  private begun = false
  private waiting = false

  constructor(options: RelayOptions) {
    this.options = options
    this.watch = new Watch(options.api)
    const caps = capsFor(options.api, options.caps)
    this.maxEventBytes = caps.maxEventBytes
    this.reader = new BodyReader(this, caps)
    this.stripper = options.stripUsage ? createUsageStripper((bytes) => this.write(bytes)) : undefined
  }

  get events(): number {
    return this.reader.events
  }

  get committed(): boolean {
    return this.begun
  }

  /** After an error in the stream nothing more can be missing either. */
  get whole(): boolean {
    return this.watch.whole || this.watch.trouble !== undefined
  }

  get skim(): Skim {
    return this.watch.skim
  }

  begin(head: Head, flow: Flow): void {
    this.head = head
    this.flow = flow
    this.reader.begin(head, flow)
  }

  push(chunk: Buffer): void {
    this.reader.push(chunk)
  }

  end(isCut: boolean): void {
    this.reader.end(isCut)
  }

  destroy(): void {
    this.reader.destroy()
    this.gate.clear()
    this.ready = []
    // Also where it broke off: what the stream has said of its cost is charged all the same.
    if (this.begun) this.options.note(this.summary ?? this.watch.summary())
  }

  onBytes(chunk: Buffer): void {
    const whole = this.gate.push(chunk)
    if (!whole) return
    this.ready.push(whole)
    this.readyBytes += whole.length
  }

  /** @throws ProxyError when the first event is an error or the end, and can still become a status */
  onEvent(bytes: string, name: string): void {
    this.watch.see(bytes, name)
    if (this.events > 1) return
    if (this.watch.trouble) throw this.watch.trouble
    if (isDone(bytes)) throw new ProxyError('upstream_truncated', noEvents(0))
  }

  /**
   * Comments alone begin no answer: until the first event, another upstream may still give it.
   * @throws ProxyError `upstream_too_large` when too much waits for that
   */
  onBatch(): void {
    if (this.events === 0 || this.ready.length === 0) {
      this.checkHeld()
      return
    }
    this.commit()
    for (const bytes of this.ready) this.forward(bytes)
    this.ready = []
    this.readyBytes = 0
    if (this.watch.trouble) this.options.outlet.told = true
    if (this.watch.done || this.watch.trouble) this.flow?.nearlyDone()
  }

  /**
   * @throws ProxyError `upstream_truncated`; what the gate holds is then dropped, being half an event.
   *   The error that the stream itself has told of.
   */
  onStreamEnd(isCut: boolean): void {
    if (this.events === 0 || !this.whole) throw new ProxyError('upstream_truncated', noEvents(this.events))
    this.commit()
    const rest = this.gate.rest()
    if (rest.length > 0 && !isCut) this.forward(rest)
    this.stripper?.end()
    this.options.outlet.told = this.watch.trouble !== undefined
    if (this.watch.trouble) throw this.watch.trouble
    this.flow?.done()
  }

  /** @throws ProxyError as `parseAnswer` does */
  onJson(body: Buffer): void {
    const { api, includeUsage } = this.options
    const { text, value } = parseAnswer(body.toString(), api)
    const rendered = api.render ? api.render(value, { includeUsage }) : text
    this.summary = summaryOf(value)
    this.commit()
    this.write(Buffer.from(rendered))
    this.flow?.done()
  }

  /** The parser bounds an event, but drops comments: of these an upstream could send any amount, and all of it waits. */
  private checkHeld(): void {
    const held = this.readyBytes + this.gate.size
    if (held > FRAMING * this.maxEventBytes) throw new ProxyError('upstream_too_large', tooLarge)
  }

  private commit(): void {
    if (this.begun) return
    this.begun = true
    const { outlet, upstream } = this.options
    outlet.begin({ ...responseHeaders(this.head?.headers ?? {}), 'x-proxy-upstream': upstream })
  }

  private forward(bytes: Buffer): void {
    if (this.stripper) this.stripper.push(bytes)
    else this.write(bytes)
  }

  private write(bytes: Buffer): void {
    const { outlet } = this.options
    if (outlet.write(bytes) || this.waiting) return
    this.waiting = true
    this.reader.pause()
    outlet.onDrain(() => {
      this.waiting = false
      this.reader.resume()
    })
  }
}
