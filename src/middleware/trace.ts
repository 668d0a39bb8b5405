import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import { cutOf } from '../cut.ts'
import { type Facts, newFacts, type Route, type Stage } from '../facts.ts'

export interface TraceParts {
  readonly clock: Clock
  /** The bounded name of a path. */
  readonly routeOf: (path: string) => Route
  /**
   * Told when a request begins, with what ends the work on it; the function that it returns is told once, when the
   * response and all tries have ended.
   */
  readonly begin: (facts: Facts, left: AbortController) => (facts: Facts) => void
}

/** What a request id may look like: it is logged and sent on, so it must not smuggle anything. */
const saneId = /^[\w.:@/+=-]{1,128}$/

/** Opens the record of a request, gives it an id, and notices when the client leaves. */
export function trace({ clock, routeOf, begin }: TraceParts): Stage {
  return (ctx, next) => {
    const given = ctx.req.headers['x-request-id']
    const route = routeOf(ctx.path)
    const facts = newFacts(
      typeof given === 'string' && saneId.test(given) ? given : randomUUID(),
      clock.now(),
      ctx.method,
      route,
    )
    const left = new AbortController()
    ctx.state.facts = facts
    ctx.state.signal = left.signal
    ctx.res.setHeader('x-request-id', facts.requestId)
    // Koa must not write anything: the answers are written by `answer`, `recover` and the streams.
    ctx.respond = false
    const end = begin(facts, left)
    let running: Promise<void> | undefined
    // Before the listeners of the instrumentation, which end the span that the facts are written on.
    ctx.res.prependOnceListener('close', () => {
      close(facts, ctx.res)
      if (!ctx.res.writableFinished) left.abort()
      if (ctx.res.writableFinished || !running || !isAsking(facts)) {
        end(facts)
        return
      }
      running.then(() => {
        // Whatever has become of the try since, this is how the request ended.
        close(facts, ctx.res)
        end(facts)
      })
    })
    running = next()
    return running
  }
}

/** Whether a try goes on though nobody waits any more: an answer that is whole may be about to say what it cost. */
function isAsking({ attempts }: Facts): boolean {
  return attempts.some(({ outcome }) => outcome === undefined)
}

function close(facts: Facts, res: ServerResponse): void {
  if (res.writableFinished) {
    facts.status = res.statusCode
    return
  }
  const cut = cutOf(res)
  facts.clientLeft = cut === undefined
  facts.status = cut?.status ?? 499
  facts.code = cut?.code ?? 'client_closed_request'
  // For an instrumentation of http, which takes the status that it finds here: Koa has put a 404 there to begin with.
  res.statusCode = facts.status
}
