import type { Clock } from '../clock.ts'
import { answerHeaders } from '../exchange/exchange.ts'
import type { Stage } from '../facts.ts'

/** Writes the answer that `forward` has left; a stream has written itself. The innermost stage: nothing comes after. */
export function answer(clock: Clock): Stage {
  return async (ctx) => {
    const { answer, facts } = ctx.state
    const { res } = ctx
    if (answer && !res.destroyed) {
      // Made into bytes once: as text it would be gone through for its length, and again to be written.
      const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
      // White space may have gone out before, to keep the connection alive: then the status has gone with it.
      if (!res.headersSent) {
        const headers = answerHeaders(res, facts, clock, answer.headers)
        res.writeHead(answer.status, { ...headers, 'content-length': body.length })
      }
      // At the end of the turn, with all other answers that it has made: each for itself wakes whoever reads. An idle
      // process writes at once. See docs/decisions/0015-writes-at-the-end-of-the-turn.md.
      setImmediate(() => {
        if (!res.destroyed) res.end(body)
      })
      facts.responseBytes = body.length
    }
  }
}
