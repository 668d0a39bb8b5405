import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Lets a client that waits to be asked for its body (RFC 9110, section 10.1.1) send it when somebody begins to read it:
 * one that is refused before need not have sent it. Node closes the connection behind such a refusal.
 */
export function continueWhenRead(req: IncomingMessage, res: ServerResponse): IncomingMessage {
  return req.once('resume', () => {
    if (!res.headersSent) res.writeContinue()
  })
}
