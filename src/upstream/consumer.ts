import type { ProxyError } from '../errors.ts'
import type { Headers } from '../facts.ts'

/** The beginning of an upstream's answer. */
export interface Head {
  readonly status: number
  readonly headers: Headers
}

/** What a consumer may ask of the try that feeds it. */
export interface Flow {
  /** Stops the upstream's bytes while the client is slow; time-outs stand still meanwhile. */
  pause(): void
  resume(): void
  /** The answer is complete; what the upstream may still send is of no use. */
  done(): void
  /** All that matters has come: if the upstream does not end its answer within a moment, it is ended here. */
  nearlyDone(): void
  fail(error: ProxyError): void
  /**
   * Does a part of the consumer's work that comes in a turn of its own, such as a decompressor's: what it throws fails
   * the try, and the events that it finds feed the time-outs.
   */
  work(part: () => void): void
}

/**
 * Takes one successful answer from an upstream, chunk by chunk. A new one for each try, so that a try that failed
 * leaves nothing behind for the next.
 */
export interface Consumer {
  /** Events with data so far; pieces of the body where it is no event stream. Comments feed no time-out. */
  readonly events: number
  /** True once the client has seen a part of the answer, so that no other upstream can give it any more. */
  readonly committed: boolean
  /** True when the answer would be whole if the stream were cut here. */
  readonly whole: boolean
  begin(head: Head, flow: Flow): void
  push(chunk: Buffer): void
  /**
   * The upstream has ended its answer. Calls `flow.done` or `flow.fail`, perhaps later.
   * @param isCut it broke off, or fell silent: what has come last may be half an event. Only where the answer is whole.
   */
  end(isCut: boolean): void
  /** Frees what is held; nothing is called afterwards. */
  destroy(): void
}
