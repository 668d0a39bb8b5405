import type { ServerResponse } from 'node:http'
import { type ProxyError, toProxyError } from '../errors.ts'
import type { Context, Stage } from '../facts.ts'
import { discardRest } from './body.ts'

/** Of a refused request's body; a client that sends more is cut off. Bytes. */
const mostDiscarded = 32 * 1024 ** 2

/** Answers whatever was thrown below in OpenAI's shape. Nothing passes it: a throw above it would reach Koa's plain text. */
export function recover(): Stage {
  return async (ctx, next) => {
    try {
      await next()
    } catch (thrown) {
      const error = toProxyError(thrown)
      ctx.state.facts.code = error.code
      ctx.state.facts.failure = error
      answerWith(ctx, error)
    }
  }
}

function answerWith(ctx: Context, error: ProxyError): void {
  const { req, res } = ctx
  // A stream has told its failure itself; a client that left reads nothing any more.
  if (res.writableEnded || res.destroyed) return
  const body = JSON.stringify(error.toJSON())
  if (!res.headersSent) writeHead(ctx, res, error, body)
  res.end(body)
  // Nobody has begun to read the body. Closing on it would reset the connection: the client, which still sends, would
  // see that and no answer, and under overload a new connection costs more than a refusal.
  if (req.readableFlowing === null) discardRest(req, mostDiscarded)
  ctx.state.facts.responseBytes = Buffer.byteLength(body)
}

function writeHead(ctx: Context, res: ServerResponse, error: ProxyError, body: string): void {
  res.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...adviceFor(ctx, error),
    ...error.headers(),
  })
}

/**
 * The SDKs retry twice on their own. Where this proxy has already asked several upstreams, that would multiply the
 * tries and bill a generation again; where it has refused at once, waiting and asking again is right.
 */
function adviceFor(ctx: Context, { blame, status }: ProxyError): Record<string, string> {
  const { attempts } = ctx.state.facts
  const last = attempts.at(-1)
  if (!last) return {}
  return {
    'x-proxy-upstream': last.upstream,
    'x-proxy-attempts': String(attempts.length),
    ...(blame === 'upstream' && isRetriedBySdks(status) ? { 'x-should-retry': 'false' } : {}),
  }
}

/** But for 429, which bills nothing and says when to come again. */
function isRetriedBySdks(status: number): boolean {
  return status >= 500 || status === 408 || status === 409
}
