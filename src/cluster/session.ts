import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../errors.ts'
import { admit } from './admit.ts'

const cookieName = 'openai-proxy-page'

/**
 * What a browser keeps instead of the token (docs/decisions/0011-live-page.md). It opens the feed of the live page and
 * nothing else, cannot be turned back into the token, and ends when the token changes.
 */
export function sessionCookie(token: string): string {
  return `${cookieName}=${seal(token)}; Path=/; HttpOnly; SameSite=Strict`
}

/** Replaces the cookie by one that is over. */
export const noSession = `${cookieName}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`

/** Lets a request look at the feed, by the session's cookie or as `admit` does. Throws what `admit` throws. */
export function admitViewer({ headers }: Pick<IncomingMessage, 'headers'>, token: string | undefined): void {
  // A tag in somebody else's page could keep the feed going, though it could not read it.
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new ProxyError('ip_not_allowed', { message: 'Other web pages may not use the feed of the live page.' })
  }
  if (token === undefined || !holdsSession(headers.cookie, token)) admit({ headers }, token)
}

/** Lets a request have the page itself, which holds no figures: with a token set, it asks for that by its own form. */
export function admitPage({ headers }: Pick<IncomingMessage, 'headers'>, token: string | undefined): void {
  if (token !== undefined) return
  // Browsers name the origin when they fetch a module, the page's own too.
  const own = headers.origin === `http://${headers.host}`
  admit({ headers: own ? { host: headers.host } : headers }, token)
}

function holdsSession(cookies: string | undefined, token: string): boolean {
  const pairs = cookies?.split('; ').map((pair) => pair.split('=', 2)) ?? []
  const presented = pairs.find(([name]) => name === cookieName)?.[1] ?? ''
  const expected = seal(token)
  return (
    presented.length === expected.length &&
    timingSafeEqual(Buffer.from(presented, 'latin1'), Buffer.from(expected, 'latin1'))
  )
}

function seal(token: string): string {
  return createHmac('sha256', token).update('the live page of openai-proxy').digest('hex')
}
