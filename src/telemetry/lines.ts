import { fstatSync, write, writeSync } from 'node:fs'

/** Where finished log lines go. */
export interface LineOutput {
  write(line: string): void
  /**
   * Resolves when nothing is being written. To be awaited before `flush`: a write that a full pipe refuses is repeated
   * in a moment, and that moment would never come.
   */
  settled(): Promise<void>
  /** How many writes have been made; who waits can tell by it that somebody still reads. */
  readonly writes: number
  /** Writes what still waits, blocking; gives up rather than hang. For the end of the process. */
  flush(): void
}

/** What a pipe takes in one piece (PIPE_BUF). All workers write to the same one, and longer writes would mix. */
const MAX_PIPE_WRITE = 4096
/** What is no pipe and no socket takes a longer write in one piece as well. */
const MAX_WRITE = 65_536
/** A line waits this long for others to go along with it: a write costs as much as making the line. Milliseconds. */
const LINGER_MS = 100
/** Whoever reads the log may have stopped reading; beyond these bytes lines are dropped, and the proxy lives. */
export const MAX_WAITING = 8 * 1024 * 1024
/** Milliseconds before a pipe that is full is tried again, and how often that is done at the end of the process. */
const FULL_MS = 10
const LAST_TRIES = 50

/**
 * Writes lines to a descriptor without ever blocking. sonic-boom, pino's own, has two ways: one blocks the event loop
 * on a slow reader, and the other, on a full disk, never lets the process end, because its `flushSync` tries for ever.
 * @param complain told of every line that is lost
 */
export function lineOutput(fd: number, complain: (message: string) => void): LineOutput {
  let waiting: string[] = []
  let length = 0
  let writing = false
  let timer: NodeJS.Timeout | undefined
  let onSettled: (() => void)[] = []
  let writes = 0
  const target = fstatSync(fd)
  const most = target.isFIFO() || target.isSocket() ? MAX_PIPE_WRITE : MAX_WRITE

  function add(line: string): void {
    if (length + line.length > MAX_WAITING) {
      complain('Log lines are dropped: standard output does not take them fast enough')
      return
    }
    waiting.push(line)
    length += line.length
    if (!writing) schedule()
  }

  /** Also behind a write: else each would be followed at once by one of the few lines that came meanwhile. */
  function schedule(): void {
    if (length >= most) next()
    else if (length > 0) timer ??= setTimeout(next, LINGER_MS).unref()
  }

  function next(): void {
    clearTimeout(timer)
    timer = undefined
    writing = waiting.length > 0
    if (writing) send(take())
  }

  function sent(): void {
    writing = false
    schedule()
    if (writing) return
    for (const done of onSettled) done()
    onSettled = []
  }

  function settled(): Promise<void> {
    return writing ? new Promise((resolve) => onSettled.push(resolve)) : Promise.resolve()
  }

  /** As many whole lines as go in one write, at least one. */
  function take(): Buffer {
    let size = 0
    let count = 0
    while (count < waiting.length && (count === 0 || size + (waiting[count]?.length ?? 0) <= most)) {
      size += waiting[count++]?.length ?? 0
    }
    let text = waiting.slice(0, count).join('')
    // Where not all of it is ASCII, it is more bytes than characters.
    while (count > 1 && Buffer.byteLength(text) > most) {
      count >>= 1
      text = waiting.slice(0, count).join('')
    }
    waiting = waiting.slice(count)
    length -= text.length
    return Buffer.from(text)
  }

  function send(chunk: Buffer): void {
    write(fd, chunk, (error, written) => {
      if (!error) writes++
      if (error?.code === 'EAGAIN') setTimeout(send, FULL_MS, chunk)
      else if (error) {
        complain(`Log lines cannot be written to standard output: ${error.code}`)
        sent()
      } else if (written < chunk.length) send(chunk.subarray(written))
      else sent()
    })
  }

  function flush(): void {
    while (waiting.length > 0) {
      if (sendNow(fd, take())) continue
      complain('The last log lines could not be written to standard output')
      return
    }
  }

  return {
    write: add,
    settled,
    flush,
    get writes() {
      return writes
    },
  }
}

function sendNow(fd: number, chunk: Buffer): boolean {
  let rest = chunk
  for (let tries = 0; tries < LAST_TRIES && rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return false
      tries += 1
      // Nothing else is left to be done, so this thread may as well sleep.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS)
    }
  }
  return rest.length === 0
}
