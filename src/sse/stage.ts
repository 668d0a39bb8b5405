import type { Transform } from 'node:stream'
import type { Zlib } from 'node:zlib'
import { ProxyError } from '../errors.ts'

/** Where decompressed bytes go. `end` or `fail` is called once and is the last call. */
export interface InflateSink {
  /** Not called before the `push` that brought the bytes has returned. */
  data(chunk: Buffer): void
  end(): void
  /** `upstream_truncated` when the body stopped before its end mark, `upstream_invalid` when it cannot be read. */
  fail(error: ProxyError): void
  /** More can be pushed, after a `push` that returned false. */
  drain(): void
}

export type Decoder = Transform & Zlib

/** One content coding. */
export interface Coding {
  open(first: Buffer): Decoder
  /** Whether bytes that a decoder leaves over are a further compressed body for a new decoder. */
  readonly several: boolean
}

/** Compressed bytes that may wait; with more, the upstream is to be paused. */
const HIGH_WATER_BYTES = 65_536

/**
 * Undoes one content coding. Chunks wait here and go to Node's decoder one by one, because only so can be told which
 * bytes it left over when the compressed body ended inside a chunk: Node's own streams drop them in silence.
 */
export class Stage {
  private readonly coding: Coding
  private readonly sink: InflateSink
  /** Made when the first byte comes, so that an empty body costs nothing and is no error. */
  private decoder: Decoder | undefined
  private waiting: Buffer[] = []
  private waitingBytes = 0
  /** What the decoder is reading, and how much it had read before. */
  private current: Buffer | undefined
  private readBefore = 0
  private full = false
  private paused = false
  private ending = false
  private closed = false

  constructor(coding: Coding, sink: InflateSink) {
    this.coding = coding
    this.sink = sink
  }

  push(chunk: Buffer): boolean {
    if (this.closed || chunk.length === 0) return true
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    this.feed()
    this.full = this.waitingBytes > HIGH_WATER_BYTES
    return !this.full
  }

  end(): void {
    this.ending = true
    this.feed()
  }

  pause(): void {
    this.paused = true
    this.decoder?.pause()
  }

  resume(): void {
    this.paused = false
    this.decoder?.resume()
    this.feed()
  }

  destroy(): void {
    this.closed = true
    this.waiting = []
    this.decoder?.destroy()
  }

  private feed(): void {
    if (this.closed || this.current || this.paused) return
    const chunk = this.waiting.shift()
    if (chunk) this.give(chunk)
    else if (this.ending) this.giveEnd()
  }

  private give(chunk: Buffer): void {
    this.decoder ??= this.open(chunk)
    const decoder = this.decoder
    this.current = chunk
    this.readBefore = decoder.bytesWritten
    decoder.write(chunk, (error) => {
      if (!error) this.onRead(decoder, chunk)
    })
  }

  private giveEnd(): void {
    if (!this.decoder) this.finish()
    // A body without its end mark fails now, and that would throw away what still lies ready in the decoder.
    else if (this.decoder.readableLength === 0) this.decoder.end()
  }

  private open(first: Buffer): Decoder {
    const decoder = this.coding.open(first)
    decoder.on('data', (bytes: Buffer) => {
      // A destroyed stream still gives out what lay ready in it.
      if (this.closed) return
      this.sink.data(bytes)
      if (this.ending) this.feed()
    })
    decoder.on('end', () => this.onEnd(decoder))
    decoder.on('error', (error: NodeJS.ErrnoException) => this.onError(error))
    return decoder
  }

  private onRead(decoder: Decoder, chunk: Buffer): void {
    if (this.closed || this.decoder !== decoder) return
    // It left bytes over, so its `end` event follows, and it must not be given more.
    if (decoder.bytesWritten - this.readBefore < chunk.length) return
    this.current = undefined
    this.waitingBytes -= chunk.length
    this.feed()
    this.drainIfLow()
  }

  private drainIfLow(): void {
    if (!this.full || this.waitingBytes > HIGH_WATER_BYTES / 2) return
    this.full = false
    this.sink.drain()
  }

  private onEnd(decoder: Decoder): void {
    if (this.closed) return
    const read = decoder.bytesWritten - this.readBefore
    const rest = this.current?.subarray(read)
    if (!this.coding.several || !rest?.length) {
      this.finish()
      return
    }
    decoder.destroy()
    this.decoder = undefined
    this.current = undefined
    this.waiting.unshift(rest)
    this.waitingBytes -= read
    this.feed()
  }

  private finish(): void {
    this.closed = true
    this.sink.end()
  }

  private onError(error: NodeJS.ErrnoException): void {
    if (this.closed) return
    this.closed = true
    // zlib's name for "I need more input", which all of Node's decoders use when the input ends too early.
    const truncated = error.code === 'Z_BUF_ERROR'
    this.sink.fail(
      truncated
        ? new ProxyError('upstream_truncated', { cause: error })
        : new ProxyError('upstream_invalid', {
            message: 'The upstream sent a body that cannot be decompressed as its content-encoding says.',
            cause: error,
          }),
    )
  }
}
