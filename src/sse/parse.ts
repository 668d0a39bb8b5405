import { ProxyError } from '../errors.ts'
import { startsWithData, startsWithEvent, valueStart } from './fields.ts'
import { Pieces } from './pieces.ts'

/** Called with the joined data of one event and with its `event` field, '' when there was none. */
export type OnEvent = (data: string, name: string) => void

/** Where in a body events may be taken. */
export interface Stretch {
  readonly body: string
  /** Where the data of the first event begins. */
  readonly from: number
  /** What stands before the data on its line: `data:`, mostly with a space. */
  readonly field: string
  /** Of the line with the data. */
  readonly maxLength: number
}

/**
 * Takes events that are like earlier ones where they stand, without having them cut out: most of a stream. It is shown
 * only unnamed events of one line that LF ends; whatever it does not take is handed over.
 */
export interface Skim {
  /** Takes as many as it can, one behind the other; returns where the data of the last one ends, -1 when it takes none. */
  take(stretch: Stretch): number
  /** How many that were. */
  readonly taken: number
}

export interface ParserOptions {
  /**
   * The most that one event may hold: its data so far and the line being read, together. Counted in units of the text
   * that the parser is given, which are bytes where that is byte text (`bytes.ts`).
   */
  readonly maxEventBytes: number
  /** Takes events as they stand in the text, as {@link Skim.take} does. */
  readonly onStretch?: Skim['take']
}

/** Reads one event stream, in text that may be cut anywhere. */
export interface Parser {
  /**
   * Reads on; the events that this text completes are handed over before it returns.
   * @throws ProxyError `upstream_too_large` when one event passes the cap; the parser is of no use after any throw
   */
  push(text: string): void
  /** Ends the stream: what has no blank line behind it is handed over as well. Throws as `push` does. */
  end(): void
}

const LF = 0x0a
const BOM = 0xfeff
const NOTHING = -1
const errorField = /^error: ?\{/
export const tooLarge = { message: 'An event is larger than this proxy takes (MAX_EVENT_BYTES). Ask for a higher cap.' }

/**
 * Makes a parser by the rules of https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream,
 * with three deviations for the sake of what providers send. A last event without its blank line is handed over by
 * `end()`, even when its last line is unfinished: if it was cut, its JSON cannot be read, and the caller knows that the
 * stream was truncated. An event whose data is the empty string is not handed over: it can only be a heartbeat.
 * An object in a field `error` is handed over as an event of that name: llama.cpp wrote its errors so
 * (https://github.com/ggml-org/llama.cpp/pull/16109).
 * `id`, `retry`, comments and unknown fields are dropped.
 */
export function createParser(onEvent: OnEvent, options: ParserOptions): Parser {
  return new EventParser(onEvent, options)
}

/**
 * The shape is for speed: nearly every event is one `data:` line and a blank line, so that is what `readLines` looks
 * for, and such an event costs one scan for its end and one slice. All else goes the general way, by `readLine`.
 */
class EventParser implements Parser {
  private readonly onEvent: OnEvent
  private readonly max: number
  private readonly onStretch: Skim['take'] | undefined
  /** Dropped if the next text begins with it: a BOM at the start, later the LF of a CRLF that was cut. */
  private swallow = BOM
  /** The line that has begun and not ended yet. */
  private readonly partial = new Pieces('')
  private readonly data = new Pieces('\n')
  private name = ''

  constructor(onEvent: OnEvent, { maxEventBytes, onStretch }: ParserOptions) {
    this.onEvent = onEvent
    this.max = maxEventBytes
    this.onStretch = onStretch
  }

  push(text: string): void {
    if (text === '') return
    let at = 0
    if (this.swallow !== NOTHING) {
      if (text.charCodeAt(0) === this.swallow) at = 1
      this.swallow = NOTHING
    }
    // One scan for CR, which almost never is there, frees the common loop from looking for it at each line.
    const cr = text.indexOf('\r', at)
    if (this.partial.count > 0) at = this.finishPartial(text, at, cr)
    at = cr === -1 ? this.readLines(text, at) : this.readMixedLines(text, at)
    if (at < text.length) {
      this.partial.add(at === 0 ? text : text.slice(at))
      this.check(this.partial.length)
    }
  }

  end(): void {
    this.readPartial()
    this.dispatch()
  }

  /** Reads lines that LF alone ends; returns where the unfinished last one begins. */
  private readLines(text: string, from: number): number {
    let at = from
    while (at < text.length) {
      const next = this.skimFrom(text, at)
      if (next !== NOTHING) {
        at = next
        continue
      }
      const end = text.indexOf('\n', at)
      if (end === -1) break
      if (text.charCodeAt(end + 1) === LF && startsWithData(text, at) && this.data.count === 0) {
        if (end - at > this.max) throw new ProxyError('upstream_too_large', tooLarge)
        this.handOver(text.slice(valueStart(text, at + 4), end))
        at = end + 2
      } else {
        this.readLine(text, at, end)
        at = end + 1
      }
    }
    return at
  }

  /** Where the next event begins, when the one here and perhaps those behind it have been taken as they are. */
  private skimFrom(body: string, at: number): number {
    if (!this.onStretch || !startsWithData(body, at) || this.data.count > 0 || this.name !== '') return NOTHING
    const from = valueStart(body, at + 4)
    const field = from - at === 5 ? 'data:' : 'data: '
    const end = this.onStretch({ body, from, field, maxLength: this.max })
    return end === NOTHING ? NOTHING : end + 2
  }

  /** The same for LF, CRLF and CR. Each one's next place is kept until passed: to search anew at each line is quadratic. */
  private readMixedLines(text: string, from: number): number {
    let at = from
    let cr = text.indexOf('\r', at)
    let lf = text.indexOf('\n', at)
    while (cr !== -1 || lf !== -1) {
      const end = nearer(cr, lf)
      this.readLine(text, at, end)
      // Some servers write CRLF throughout, so the blank line behind a line of data is not searched for.
      const blank = text.startsWith('\r\n\r\n', end)
      if (blank) this.dispatch()
      at = blank ? end + 4 : this.afterLineEnd(text, end)
      if (cr !== -1 && cr < at) cr = text.indexOf('\r', at)
      if (lf !== -1 && lf < at) lf = text.indexOf('\n', at)
    }
    return at
  }

  /** Completes the line left open by the texts before, if it ends in this one; scans nothing twice. */
  private finishPartial(text: string, from: number, cr: number): number {
    const end = nearer(cr, text.indexOf('\n', from))
    if (end === -1) return from
    this.partial.add(text.slice(from, end))
    this.readPartial()
    return this.afterLineEnd(text, end)
  }

  /** Where the next line begins. A CR ends its line at once; whether an LF belongs to it shows perhaps only in the next text. */
  private afterLineEnd(text: string, end: number): number {
    const next = end + 1
    if (text.charCodeAt(end) === LF) return next
    if (next === text.length) this.swallow = LF
    return text.charCodeAt(next) === LF ? next + 1 : next
  }

  private readPartial(): void {
    if (this.partial.count === 0) return
    const line = this.partial.take()
    this.readLine(line, 0, line.length)
  }

  private readLine(text: string, start: number, end: number): void {
    if (start === end) {
      this.dispatch()
      return
    }
    this.check(end - start)
    if (startsWithData(text, start)) this.data.add(text.slice(valueStart(text, start + 4), end))
    else if (startsWithEvent(text, start)) this.name = text.slice(valueStart(text, start + 5), end)
    else this.readOther(text.slice(start, end))
  }

  private readOther(line: string): void {
    // A line without colon is a field with an empty value.
    if (line === 'data') this.data.add('')
    else if (line === 'event') this.name = ''
    else if (errorField.test(line)) {
      this.name = 'error'
      this.data.add(line.slice(line.indexOf('{')))
    }
  }

  /** Must not depend on how the stream was cut, so a line counts the same whether it came whole or in pieces. */
  private check(lineLength: number): void {
    if (this.data.length + lineLength > this.max) throw new ProxyError('upstream_too_large', tooLarge)
  }

  private dispatch(): void {
    if (this.data.count > 0) this.handOver(this.data.take())
    else this.name = ''
  }

  private handOver(data: string): void {
    const name = this.name
    this.name = ''
    if (data !== '') this.onEvent(data, name)
  }
}

/** The smaller of two places, either of which may be -1, "nowhere". */
function nearer(one: number, other: number): number {
  if (one === -1 || other === -1) return Math.max(one, other)
  return Math.min(one, other)
}
