import { ProxyError } from '../errors.ts'
import type { Api } from '../openai/api.ts'
import { isHeartbeatData } from '../openai/heartbeat.ts'
import { bytesOf, withoutMark } from '../sse/bytes.ts'
import { createInflater, type Inflater } from '../sse/inflate.ts'
import { createParser, type Parser, type Skim, type Stretch } from '../sse/parse.ts'
import { sniff } from '../sse/sniff.ts'
import type { Flow, Head } from '../upstream/consumer.ts'

/** What becomes of a body once it is known what it is. */
export interface BodySink {
  /** Bytes of an event stream as they came, before the events in them are told. */
  onBytes?(chunk: Buffer): void
  /** `bytes` is the event's data as byte text (`sse/bytes.ts`). */
  onEvent(bytes: string, name: string): void
  /** Takes events that are like earlier ones instead. */
  readonly skim?: Skim | undefined
  /** All events of the bytes last given have been told. */
  onBatch(): void
  /** The event stream has ended, or was cut when it was whole already. */
  onStreamEnd(isCut: boolean): void
  /** A whole body that is JSON after all. */
  onJson(body: Buffer): void
}

export interface ReaderCaps {
  readonly maxEventBytes: number
  readonly maxAnswerBytes: number
}

/** Where the last event holds the whole answer, as in the Responses API, it may be as large as an answer may. */
export function capsFor({ hasLastEvent }: Pick<Api, 'hasLastEvent'>, caps: ReaderCaps): ReaderCaps {
  return hasLastEvent ? { ...caps, maxEventBytes: Math.max(caps.maxEventBytes, caps.maxAnswerBytes) } : caps
}

const MAX_SNIFFED_BYTES = 4096

/**
 * Reads the body of an answer: inflates it, tells by its first bytes whether it is an event stream or JSON, since
 * content types lie in both directions, and takes the events apart.
 */
export class BodyReader {
  events = 0
  private readonly sink: BodySink
  private readonly caps: ReaderCaps
  private begun = false
  private readonly parser: Parser
  private flow: Flow | undefined
  private inflater: Inflater | undefined
  private inflaterIsFull = false
  private readerIsSlow = false
  private isCut = false
  private kind: 'sse' | 'json' | undefined
  private held: Buffer[] = []
  private heldBytes = 0

  constructor(sink: BodySink, caps: ReaderCaps) {
    this.sink = sink
    this.caps = caps
    const { skim } = sink
    const onEvent = (data: string, name: string) => {
      // No more than a comment does it show that an answer comes, or goes on.
      if (isHeartbeatData(data, name)) return
      this.events++
      sink.onEvent(data, name)
    }
    const onStretch = (stretch: Stretch) => {
      const end = skim?.take(stretch) ?? -1
      this.events += skim?.taken ?? 0
      return end
    }
    this.parser = createParser(onEvent, { ...caps, ...(skim && { onStretch }) })
  }

  begin(head: Head, flow: Flow): void {
    this.flow = flow
    this.inflater = createInflater(head.headers['content-encoding'], {
      data: (chunk) => flow.work(() => this.take(chunk)),
      end: () => flow.work(() => this.finish()),
      fail: (error) => flow.work(() => this.breakOff(error)),
      drain: () => {
        this.inflaterIsFull = false
        if (!this.readerIsSlow) flow.resume()
      },
    })
  }

  push(chunk: Buffer): void {
    if (!this.inflater) {
      this.take(chunk)
    } else if (!this.inflater.push(chunk)) {
      this.inflaterIsFull = true
      this.flow?.pause()
    }
  }

  end(isCut: boolean): void {
    this.isCut = isCut
    if (this.inflater) this.inflater.end()
    else this.finish()
  }

  destroy(): void {
    this.inflater?.destroy()
    this.held = []
  }

  /** Whoever takes the bytes is slow: nothing more comes until `resume`, out of the decompressor neither. */
  pause(): void {
    this.readerIsSlow = true
    this.inflater?.pause()
    this.flow?.pause()
  }

  resume(): void {
    this.readerIsSlow = false
    this.inflater?.resume()
    // What the inflater had ready may have been too much again.
    if (!this.inflaterIsFull && !this.readerIsSlow) this.flow?.resume()
  }

  /** A compressed body that lacks its end mark may hold a whole answer all the same. */
  private breakOff(error: ProxyError): void {
    if (error.code !== 'upstream_truncated' || this.kind !== 'sse') throw error
    this.isCut = true
    this.finish()
  }

  private take(chunk: Buffer): void {
    if (this.kind === 'sse') this.takeEvents(chunk)
    else this.hold(chunk)
  }

  private takeEvents(chunk: Buffer): void {
    this.sink.onBytes?.(chunk)
    this.parser.push(this.begun ? bytesOf(chunk) : withoutHeartbeat(bytesOf(chunk)))
    this.begun = true
    this.sink.onBatch()
  }

  private hold(chunk: Buffer): void {
    this.held.push(chunk)
    this.heldBytes += chunk.length
    if (this.kind === 'json') {
      this.countJson()
    } else {
      // Mostly the first chunk decides, and is not copied for it.
      this.decide(this.held.length === 1 ? chunk : Buffer.concat(this.held))
    }
  }

  private decide(first: Buffer): void {
    const kind = sniff(first)
    if (kind === 'other' || (kind === undefined && first.length > MAX_SNIFFED_BYTES)) {
      throw new ProxyError('upstream_invalid', {
        message: 'The upstream sent a body that is neither an event stream nor JSON.',
      })
    }
    if (kind === undefined) return
    this.kind = kind
    if (kind === 'json') {
      this.countJson()
      return
    }
    this.held = []
    this.takeEvents(first)
  }

  private countJson(): void {
    this.events++
    if (this.heldBytes > this.caps.maxAnswerBytes) throw new ProxyError('upstream_too_large')
  }

  private finish(): void {
    if (this.kind === 'json') {
      this.sink.onJson(bodyWithoutMark(Buffer.concat(this.held)))
      return
    }
    // A body of nothing but white space, or none, is an event stream without events.
    if (this.kind === 'sse') this.finishEvents()
    this.sink.onStreamEnd(this.isCut)
  }

  /** The last event may lack its blank line. What cannot be read then is half an event, and not the upstream's fault. */
  private finishEvents(): void {
    try {
      this.parser.end()
    } catch (thrown) {
      if (!(thrown instanceof ProxyError) || thrown.code !== 'upstream_invalid') throw thrown
    }
    this.sink.onBatch()
  }
}

/** White space that kept the connection open would make an unknown field of the first line, and lose its event. */
function withoutHeartbeat(firstBytes: string): string {
  return withoutMark(firstBytes).trimStart()
}

/** RFC 8259 §8.1 lets a reader ignore a byte order mark; JSON.parse and the client would not. */
function bodyWithoutMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body
}
