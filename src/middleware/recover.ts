import type { Clock } from '../clock.ts'
import { type ProxyError, toProxyError } from '../errors.ts'
import { provenance } from '../exchange/exchange.ts'
import type { Context, Stage } from '../facts.ts'
import { discardRest } from './body.ts'

/** Of a refused request's body; a client that sends more is cut off. Bytes. */
const mostDiscarded = 32 * 1024 ** 2

/** Answers whatever was thrown below in OpenAI's shape. Nothing passes it: a throw above it would reach Koa's plain text. */
export function recover(clock: Clock): Stage {
  return async (ctx, next) => {
    try {
      await next()
    } catch (thrown) {
      const error = toProxyError(thrown)
      ctx.state.facts.code = error.code
      ctx.state.facts.failure = error
      answerWith(ctx, error, clock)
    }
  }
}

function answerWith(ctx: Context, error: ProxyError, clock: Clock): void {
  const { req, res } = ctx
  // A stream has told its failure itself; a client that left reads nothing any more.
  if (res.writableEnded || res.destroyed) return
  const body = JSON.stringify(error.toJSON())
  if (!res.headersSent) writeHead(ctx, error, body, clock)
  // At the end of the turn, as answers are: under overload, when refusals are many, each write for itself cost half of one.
  setImmediate(() => {
    if (!res.destroyed) res.end(body)
  })
  // Nobody has begun to read the body. Closing on it would reset the connection: the client, which still sends, would
  // see that and no answer, and under overload a new connection costs more than a refusal.
  if (req.readableFlowing === null) discardRest(req, mostDiscarded)
  ctx.state.facts.responseBytes = Buffer.byteLength(body)
}

function writeHead(ctx: Context, error: ProxyError, body: string, clock: Clock): void {
  const { res } = ctx
  const headers = error.headers()
  // An upstream's limits among them do not replace this proxy's own, which an earlier stage has set.
  for (const name in headers) if (!res.hasHeader(name)) res.setHeader(name, headers[name] as string)
  res.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...adviceFor(ctx, error, clock),
  })
}

/**
 * The SDKs retry twice on their own. Where this proxy has already asked several upstreams, that would multiply the
 * tries and bill a generation again; where it has refused at once, waiting and asking again is right.
 */
function adviceFor(ctx: Context, { blame, status }: ProxyError, clock: Clock): Record<string, string> {
  const { facts } = ctx.state
  if (facts.attempts.length === 0) return {}
  return {
    ...provenance(facts, clock),
    ...(blame === 'upstream' && isRetriedBySdks(status) ? { 'x-should-retry': 'false' } : {}),
  }
}

/** But for 429, which bills nothing and says when to come again. */
function isRetriedBySdks(status: number): boolean {
  return status >= 500 || status === 408 || status === 409
}
