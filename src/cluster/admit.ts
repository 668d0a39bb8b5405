import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../config/rules.ts'
import { ProxyError } from '../errors.ts'

/**
 * Lets an admin request pass, or throws invalid_api_key (with a token set) or ip_not_allowed (without one).
 * Without a token the port listens on loopback only, but a web page in this machine's browser reaches that too: by a
 * name of its own that resolves to 127.0.0.1, or by a form that it posts. Both show in the headers.
 */
export function admit({ headers }: Pick<IncomingMessage, 'headers'>, token: string | undefined): void {
  if (token !== undefined) {
    if (carries(headers.authorization, token)) return
    throw new ProxyError('invalid_api_key', {
      message: 'The admin token is missing or wrong. Send it as "Authorization: Bearer ADMIN_TOKEN".',
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
  if (headers.origin === undefined && isLoopback(hostOf(headers.host))) return
  throw new ProxyError('ip_not_allowed', {
    message:
      'Without ADMIN_TOKEN the admin port answers only to this machine, by a loopback name and not to web pages.',
  })
}

function carries(authorization: string | undefined, token: string): boolean {
  const presented = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  // Digests have one length, which timingSafeEqual needs, and which hides the token's.
  return timingSafeEqual(hash('sha256', presented, 'buffer'), hash('sha256', token, 'buffer'))
}

/** The host without its port; an IPv6 address without its brackets. */
function hostOf(header: string | undefined): string {
  const host = URL.parse(`http://${header}`)?.hostname ?? ''
  return host.replace(/^\[(.*)\]$/, '$1')
}
