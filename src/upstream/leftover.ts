import type { Clock } from '../clock.ts'

/** How long an upstream may take to end a stream that has said its last word. Milliseconds. */
export const MAX_END_MS = 1000

const MAX_BYTES = 64 * 1024
const MAX_MS = 1000

/**
 * What an upstream still sends after a complete answer. It is read, so that the connection can be used again, but not
 * for long: an upstream that never ends would hold the connection for ever.
 */
export class Leftover {
  private readonly giveUp: () => void
  private readonly cancel: () => void
  private bytes = 0

  constructor(clock: Clock, giveUp: () => void) {
    this.giveUp = giveUp
    this.cancel = soon(() => clock.after(MAX_MS, giveUp))
  }

  take(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.bytes > MAX_BYTES) this.giveUp()
  }

  end(): void {
    this.cancel()
  }
}

/**
 * Sets an alarm behind what is being done just now. The end of a stream mostly comes in the same piece as its last word,
 * and then there is none to be set.
 * @param set sets it, and returns what takes it back
 */
export function soon(set: () => () => void): () => void {
  let wanted = true
  let cancel = () => {
    wanted = false
  }
  queueMicrotask(() => {
    if (wanted) cancel = set()
  })
  return () => cancel()
}
