import { ProxyError } from '../errors.ts'
import type { Exchange, ExchangeParts, Request } from '../exchange/exchange.ts'
import { plain } from '../exchange/plain.ts'
import { stream } from '../exchange/stream.ts'
import { unstream } from '../exchange/unstream.ts'
import type { Context, Mode, Stage } from '../facts.ts'
import type { Api } from '../openai/api.ts'

const exchanges: Readonly<Record<Mode, Exchange>> = { unstream, stream, plain }

/** Has the request answered by an upstream, in the way that its mode asks for. */
export function forward(api: Api, parts: ExchangeParts): Stage {
  return async (ctx, next) => {
    const answer = await exchanges[ctx.state.facts.mode](requestOf(api, ctx), parts)
    if (answer) ctx.state.answer = answer
    await next()
  }
}

function requestOf(api: Api, ctx: Context): Request {
  const { facts, signal, body, providerKey, traceHeaders } = ctx.state
  return {
    api,
    facts,
    signal,
    headers: ctx.req.headers,
    traceHeaders,
    query: ctx.querystring,
    asked: body as Request['asked'],
    modelId: modelIdOf(ctx),
    providerKey,
    res: ctx.res,
  }
}

/** No model is called `..`, and a server upstream might take it for the way to another route. */
function modelIdOf(ctx: Context): string | undefined {
  const id: string | undefined = ctx.params?.id
  if (id?.split(/[\\/]/).some((segment) => segment === '.' || segment === '..')) throw new ProxyError('not_found')
  return id
}
