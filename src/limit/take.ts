import type { Grant } from '../facts.ts'
import type { Caps, Counters, Spent, WindowName } from './counters.ts'

/** Nobody knows when a running request will end; a second is what OpenAI's SDKs would wait anyway. */
const concurrencyRetryMs = 1000

/**
 * Asks for one request under all of a client's limits.
 *
 * Tokens come first because looking costs nothing, the slot second because it can be given back, and the request is
 * counted last: one that another limit refuses must not eat into the minute, or a client that only runs too many
 * at once would soon be out of requests as well.
 * Rejects when the counters' store fails; a slot taken before that is given back.
 */
export async function takeFrom(counters: Counters, client: string, caps: Caps): Promise<Grant> {
  const grant: Grant = { ok: true, retryAfterMs: 0 }
  if (caps.tokens > 0) {
    grant.tokens = shown(caps.tokens, await counters.read('tokens', client))
    if (grant.tokens.remaining === 0) return refused(counters, client, caps, grant, 'tokens')
  }
  if (caps.concurrency > 0 && !(await counters.acquire(client, caps.concurrency))) {
    return refused(counters, client, caps, grant, 'concurrency')
  }
  if (caps.requests > 0) await countRequest(counters, client, caps, grant)
  if (grant.ok && caps.concurrency > 0) grant.slot = true
  return grant
}

/** Adding before comparing is what makes the limit exact: no two requests can see the same count. */
async function countRequest(counters: Counters, client: string, caps: Caps, grant: Grant): Promise<void> {
  let admitted = false
  try {
    const spent = await counters.add('requests', client, 1)
    grant.requests = shown(caps.requests, spent)
    admitted = spent.used <= caps.requests
  } finally {
    if (!admitted && caps.concurrency > 0) await counters.release(client)
  }
  if (!admitted) refuse(grant, 'requests')
}

/** A refused client still sees what is left of its requests, as OpenAI shows it. */
async function refused(
  counters: Counters,
  client: string,
  caps: Caps,
  grant: Grant,
  by: 'tokens' | 'concurrency',
): Promise<Grant> {
  if (caps.requests > 0) grant.requests = shown(caps.requests, await counters.read('requests', client))
  refuse(grant, by)
  return grant
}

function refuse(grant: Grant, by: WindowName | 'concurrency'): void {
  grant.ok = false
  grant.refusedBy = by
  grant.retryAfterMs = by === 'concurrency' ? concurrencyRetryMs : (grant[by]?.resetMs ?? 0)
}

function shown(limit: number, { used, resetMs }: Spent): { limit: number; remaining: number; resetMs: number } {
  return { limit, remaining: Math.max(0, limit - used), resetMs }
}
