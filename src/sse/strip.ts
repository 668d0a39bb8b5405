import { createParser } from './parse.ts'

/** Takes out of a passed-through stream the usage chunk that the proxy asked for and the client did not. */
export interface UsageStripper {
  /** Takes bytes cut anywhere. What is written is whole events, each as soon as its blank line is there. */
  push(chunk: Buffer): void
  /** Ends the stream: an event that lacks its blank line is written as well. */
  end(): void
}

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const LETTER_N = 0x6e
const MARK = Buffer.from('"usage"')
const NOTHING = Buffer.alloc(0)
/** Objects and lists that are about the request as a whole, as usage is. */
const FIGURES: ReadonlySet<string> = new Set(['usage', 'x_groq', 'timings', 'time_info', 'prompt_filter_results'])
/** What an error says, whatever stands beside it. */
const WORDS: ReadonlySet<string> = new Set(['error', 'message', 'msg', 'error_msg', 'detail', 'code', 'error_code'])

/**
 * Makes a filter that writes every byte as it came, except the event with the token counts that
 * `stream_options.include_usage` adds: its `choices` are empty, null or absent and its `usage` is an object
 * (https://platform.openai.com/docs/api-reference/chat/streaming). A chunk that carries usage beside choices stays,
 * as does Azure's first one, which has neither.
 *
 * So does an event with which more than counts would be lost: an error, by its name or its words, and lists and objects
 * such as `citations`. Plain values beside usage are no loss: those that matter, `system_fingerprint` say, stand in other
 * chunks as well, and the others are padding, such as `obfuscation`, or figures.
 *
 * What is held of an unfinished event has no cap here: it is the parser on the same stream that limits an event.
 */
export function createUsageStripper(write: (bytes: Buffer) => void): UsageStripper {
  return new Stripper(write)
}

class Stripper implements UsageStripper {
  private readonly write: (bytes: Buffer) => void
  /** The unfinished event; grown by doubling, so that a large event in small pieces is not copied for each of them. */
  private held: Buffer = NOTHING
  private heldLength = 0
  /** The blank line of an event that was taken out ended with a CR; an LF that comes next belongs to it. */
  private dropLf = false

  constructor(write: (bytes: Buffer) => void) {
    this.write = write
  }

  push(chunk: Buffer): void {
    const bytes = this.dropLf && chunk[0] === LF ? chunk.subarray(1) : chunk
    if (chunk.length > 0) this.dropLf = false
    const rest = this.heldLength > 0 ? this.finishHeld(bytes) : bytes
    if (rest.length > 0) this.sift(rest)
  }

  end(): void {
    if (this.heldLength === 0) return
    const event = this.takeHeld()
    if (!isUsageEvent(event)) this.write(event)
  }

  /** Completes the event that began earlier, if it ends here, and returns what follows it. */
  private finishHeld(bytes: Buffer): Buffer {
    const end = endOfEvent(bytes, 0, this.held[this.heldLength - 1])
    this.hold(end === 0 ? bytes : bytes.subarray(0, end))
    if (end === 0) return bytes.subarray(bytes.length)
    const event = this.takeHeld()
    if (isUsageEvent(event)) this.dropLf = end === bytes.length && event.at(-1) === CR
    else this.write(event)
    return bytes.subarray(end)
  }

  /**
   * Writes the whole events, in one piece where no usage event parts them, and holds the rest. Only the events in
   * which a `usage` is found are looked at.
   */
  private sift(bytes: Buffer): void {
    let kept = 0
    let at = 0
    for (let mark = findUsage(bytes, 0); mark >= 0; mark = findUsage(bytes, at)) {
      const start = at + endOfLastEvent(bytes.subarray(at, mark))
      const end = endOfEvent(bytes, start)
      if (end === 0) break
      if (isUsageEvent(bytes.subarray(start, end))) {
        this.writePart(bytes, kept, start)
        kept = end
        this.dropLf = end === bytes.length && bytes[end - 1] === CR
      }
      at = end
    }
    const end = at + endOfLastEvent(bytes.subarray(at))
    this.writePart(bytes, kept, end)
    if (end < bytes.length) this.hold(bytes.subarray(end))
  }

  private writePart(bytes: Buffer, start: number, end: number): void {
    if (end - start === bytes.length) this.write(bytes)
    else if (start < end) this.write(bytes.subarray(start, end))
  }

  private hold(bytes: Buffer): void {
    const length = this.heldLength + bytes.length
    if (length > this.held.length) {
      const larger = Buffer.allocUnsafe(length * 2)
      this.held.copy(larger, 0, 0, this.heldLength)
      this.held = larger
    }
    bytes.copy(this.held, this.heldLength)
    this.heldLength = length
  }

  private takeHeld(): Buffer {
    const event = this.held.subarray(0, this.heldLength)
    // What was written may still wait in the client's socket: its memory must not be used again.
    this.held = NOTHING
    this.heldLength = 0
    return event
  }
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR
}

/** Where the line end at `at` is over: CRLF is one. */
function afterLineEnd(bytes: Buffer, at: number): number {
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : at + 1
}

/**
 * Where the first event that ends in `bytes` ends, its blank line included; 0 when none does.
 * @param before the byte before `from` where the event began earlier; undefined where it begins at `from`
 */
function endOfEvent(bytes: Buffer, from: number, before?: number): number {
  let isEmptyLine = before === undefined || isLineEnd(before)
  let previous = before
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (!isLineEnd(byte)) isEmptyLine = false
    else if (byte === CR || previous !== CR) {
      if (isEmptyLine) return afterLineEnd(bytes, at)
      isEmptyLine = true
    }
    previous = byte
  }
  return 0
}

/** Where the last event that ends in `bytes`, which begin with a new one, ends; 0 when none does. */
function endOfLastEvent(bytes: Buffer): number {
  for (let at = bytes.length - 1; at > 0; at--) {
    const previous = bytes[at - 1]
    if (isLineEnd(bytes[at]) && isLineEnd(previous) && !(bytes[at] === LF && previous === CR)) {
      return afterLineEnd(bytes, at)
    }
  }
  // A line end right at the beginning is an event without lines.
  return isLineEnd(bytes[0]) ? afterLineEnd(bytes, 0) : 0
}

/**
 * Where the next `usage` is that is not null; -1 if there is none. With include_usage on, OpenAI sends
 * `"usage":null` in every chunk.
 */
function findUsage(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(MARK, from); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    let value = at + MARK.length
    while (bytes[value] === COLON || isSpace(bytes[value])) value++
    if (bytes[value] !== LETTER_N) return at
  }
  return -1
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || isLineEnd(byte)
}

function isUsageEvent(event: Buffer): boolean {
  if (findUsage(event, 0) < 0) return false
  let isUsage = false
  const parser = createParser(
    (data, name) => {
      isUsage = name !== 'error' && isUsageData(data)
    },
    { maxEventBytes: event.length },
  )
  parser.push(event.toString())
  parser.end()
  return isUsage
}

function isUsageData(data: string): boolean {
  try {
    const chunk: unknown = JSON.parse(data)
    if (typeof chunk !== 'object' || chunk === null || !('usage' in chunk)) return false
    const { usage } = chunk
    // Some write null for no choices, or leave them out; a client that did not ask would stumble over these.
    const choices = ('choices' in chunk ? chunk.choices : null) ?? []
    const isEmpty = Array.isArray(choices) && choices.length === 0
    return isEmpty && typeof usage === 'object' && usage !== null && !Object.entries(chunk).some(isLoss)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function isLoss([key, value]: [string, unknown]): boolean {
  if (!value) return false
  // Groq says among its figures why it has stopped a stream early.
  if (FIGURES.has(key)) return typeof value === 'object' && 'error' in value && Boolean(value.error)
  // MiniMax says by a zero and empty words that nothing went wrong.
  return typeof value === 'object' ? Object.values(value).some(Boolean) : WORDS.has(key)
}
