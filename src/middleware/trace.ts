import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Facts, Mode, Route, Stage } from '../facts.ts'

export interface TraceParts {
  readonly clock: Clock
  /** The bounded name of a path. */
  readonly routeOf: (path: string) => Route
  /** Told once, when the response has closed, whatever became of it. */
  readonly onClose: (facts: Facts) => void
}

/** What a request id may look like: it is logged and sent on, so it must not smuggle anything. */
const saneId = /^[\w.:@/+=-]{1,128}$/

/** Opens the record of a request, gives it an id, and notices when the client leaves. */
export function trace({ clock, routeOf, onClose }: TraceParts): Stage {
  return async (ctx, next) => {
    const given = ctx.get('x-request-id')
    const route = routeOf(ctx.path)
    const facts = newFacts(saneId.test(given) ? given : randomUUID(), clock.now(), ctx.method, route)
    const left = new AbortController()
    ctx.state.facts = facts
    ctx.state.signal = left.signal
    ctx.set('x-request-id', facts.requestId)
    // Koa must not write anything: the answers are written by `answer`, `recover` and the streams.
    ctx.respond = false
    ctx.res.once('close', () => {
      close(facts, ctx.res)
      if (facts.clientLeft) left.abort()
      onClose(facts)
    })
    await next()
  }
}

function close(facts: Facts, res: ServerResponse): void {
  facts.clientLeft = !res.writableFinished
  if (facts.clientLeft) {
    facts.status = 499
    facts.code = 'client_closed_request'
  } else {
    facts.status = res.statusCode
  }
}

function newFacts(requestId: string, startedAt: number, method: string, route: Route): Facts {
  const mode: Mode = 'plain'
  return {
    requestId,
    startedAt,
    method,
    route,
    mode,
    client: 'unknown',
    model: undefined,
    limit: undefined,
    attempts: [],
    upstreamMs: 0,
    usage: undefined,
    response: {},
    parameters: {},
    status: 0,
    code: undefined,
    failure: undefined,
    requestBytes: 0,
    responseBytes: 0,
    clientLeft: false,
  }
}
