import type { Clock } from '../clock.ts'

/**
 * Passes on the first of many equal complaints and counts the others, so that a collector that is down for an hour
 * is sixty lines and not one for each request.
 * @param everyMs the least time between two that are passed on, milliseconds
 * @param emit gets the message and how many were held back since the last
 */
export function sparing(
  clock: Pick<Clock, 'now'>,
  everyMs: number,
  emit: (message: string, heldBack: number) => void,
): (message: string) => void {
  let next = Number.NEGATIVE_INFINITY
  let heldBack = 0
  return (message) => {
    const now = clock.now()
    if (now < next) {
      heldBack += 1
      return
    }
    next = now + everyMs
    emit(message, heldBack)
    heldBack = 0
  }
}

/** Writes a warning in the log's own shape to stderr: for what must be said where there is no log, or the log is what fails. */
export function warnOnStderr(message: string, heldBack: number): void {
  process.stderr.write(
    `${JSON.stringify({ level: 'warn', time: Date.now(), pid: process.pid, held_back: heldBack, msg: message })}\n`,
  )
}
