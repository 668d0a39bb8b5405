import type { ServerResponse } from 'node:http'
import { ProxyError } from '../errors.ts'
import type { Context, Grant, Stage, Usage } from '../facts.ts'
import type { Limiter } from '../limit/limiter.ts'

/** What of an answer is on its way at once, whether its client reads or not. Bytes. */
const soonOut = 64 * 1024

/**
 * Refuses a client that has spent its budget, before its body is read.
 * Sets the x-ratelimit headers and `facts.limit`. The slot is given back, and tokens are charged, once the later stages
 * have done their work and just before the end of the answer goes out: a client that asks again as soon as it has it may
 * come to another process, and would be counted twice there. A slot is given back before that when the client leaves, and
 * only when the response closes where much of the answer waits for its client to read.
 */
export function limit(limiter: Limiter): Stage {
  const counted: Stage = async (ctx, next) => {
    const { facts } = ctx.state
    const { client } = facts
    const grant = await limiter.take(client)
    facts.limit = grant
    showLimits(ctx, grant)
    if (!grant.ok) throw refusal(grant)

    let held = true
    const release = () => {
      if (held) limiter.release(client)
      held = false
    }
    whenClosed(ctx.res).then(release)
    try {
      await next()
    } finally {
      if (unread(ctx) <= soonOut) release()
      limiter.charge(client, tokensOf(facts.usage))
    }
  }
  return (ctx, next) => (limiter.limits(ctx.state.facts.client) ? counted(ctx, next) : next())
}

function tokensOf(usage: Usage | undefined): number {
  return usage === undefined ? 0 : (usage.total ?? usage.input + usage.output)
}

/** What of the answer has not gone out yet: of one in a piece, nothing has. Bytes, or about as many. */
function unread({ res, state }: Context): number {
  return res.writableLength + (state.answer?.body.length ?? 0)
}

/** Resolves at once when the client left while the limiter was asked: 'close' is not emitted again. */
function whenClosed(res: ServerResponse): Promise<void> {
  return res.closed ? Promise.resolve() : new Promise((resolve) => res.once('close', resolve))
}

/** Header names and meaning: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers. */
function showLimits(ctx: Context, grant: Grant): void {
  for (const name of ['requests', 'tokens'] as const) {
    const window = grant[name]
    if (!window) continue
    ctx.set(`x-ratelimit-limit-${name}`, String(window.limit))
    ctx.set(`x-ratelimit-remaining-${name}`, String(window.remaining))
    ctx.set(`x-ratelimit-reset-${name}`, duration(window.resetMs))
  }
}

function refusal({ refusedBy, retryAfterMs, requests, tokens }: Grant): ProxyError {
  const share =
    refusedBy === 'requests'
      ? `all ${requests?.limit} requests of this minute`
      : refusedBy === 'tokens'
        ? `all ${tokens?.limit} tokens of this minute`
        : 'all the requests that you may have running at once'
  return new ProxyError('rate_limit_exceeded', {
    message: `Rate limit reached: you have used ${share}. Try again in ${duration(retryAfterMs)}.`,
    retryAfter: retryAfterMs / 1000,
  })
}

/** Milliseconds as OpenAI writes them, which is Go's way: `0s`, `12ms`, `1.5s`, `6m0s`, `1h0m0s`. */
export function duration(ms: number): string {
  const whole = Math.ceil(ms)
  if (whole <= 0) return '0s'
  if (whole < 1000) return `${whole}ms`
  const seconds = `${(whole % 60_000) / 1000}s`
  const minutes = Math.floor(whole / 60_000)
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}
