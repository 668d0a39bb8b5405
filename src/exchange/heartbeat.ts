import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'

/**
 * Calls `beat` every `ms` milliseconds until stopped; 0 is never.
 * CDNs and load balancers cut an answer that is silent for a minute or two.
 */
function every(clock: Clock, ms: number, beat: () => void): () => void {
  if (ms === 0) return () => {}
  let cancel = clock.after(ms, again)
  function again(): void {
    beat()
    cancel = clock.after(ms, again)
  }
  return () => cancel()
}

/** White space before the JSON, which every parser skips. The first beat commits the status to 200. */
export function beatJson(res: ServerResponse, clock: Clock, ms: number): () => void {
  return every(clock, ms, () => {
    if (res.destroyed) return
    if (!res.headersSent) res.writeHead(200, { 'content-type': 'application/json' })
    res.write(' ')
  })
}

/** Comments in the event stream, which every client skips. The first beat commits the status to 200. */
export function beatEvents(write: (comment: string) => void, clock: Clock, ms: number): () => void {
  return every(clock, ms, () => write(': keep-alive\n\n'))
}
