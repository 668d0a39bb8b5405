import type { OpenAIError } from '../errors.ts'

/** OpenAI's own sign that a stream is complete. */
export const done = 'data: [DONE]\n\n'

/**
 * One event with this data. Line ends in it (CRLF, CR, LF) part it into several `data` lines, which a reader joins
 * again with LF; written as they are, they would end the event early, or smuggle in other fields.
 */
export function event(data: string): string {
  return `data: ${onLines(data, '\ndata: ')}\n\n`
}

/** A comment, which readers drop: it keeps a connection open. May stand only between events, not inside one. */
export function comment(text: string): string {
  return `: ${onLines(text, '\n: ')}\n\n`
}

/** How a stream says that it failed after its first event, when the status can no longer say so. No `[DONE]` follows. */
export function errorEvent(error: OpenAIError): string {
  return event(JSON.stringify({ error }))
}

function onLines(text: string, prefix: string): string {
  // JSON never has a bare line end in it, so the scan for one is all that the usual event costs.
  return text.includes('\n') || text.includes('\r') ? text.split(/\r\n|\r|\n/).join(prefix) : text
}
