import type { Socket } from 'node:net'
import { ProxyError } from '../errors.ts'
import type { Headers, Stage } from '../facts.ts'
import { allowList, clientAddress } from '../limit/addresses.ts'
import { addressName, type Keyring, keyName } from '../limit/keys.ts'

export interface AccessOptions {
  /** The proxy's own keys; with none, clients send the provider's. */
  readonly keys: Keyring
  /** Addresses and CIDR ranges; empty admits all. */
  readonly allowlist: readonly string[]
  /** How many proxies before this one are trusted to append to X-Forwarded-For. */
  readonly trustProxy: number
  /**
   * Whether a client may be known by the provider key that it sends. Only sound where an upstream checks that key:
   * where every upstream has a key of its own, a client could invent a new one for each request and never meet a limit.
   */
  readonly trustProviderKey: boolean
}

/**
 * Says who asks, and refuses strangers: ip_not_allowed by address, invalid_api_key by proxy key.
 * Sets `facts.client` (a name to show) and `state.providerKey` (the Authorization that may go upstream).
 * Throws on bad entries of the allow-list when it is made, not at the first request.
 */
export function access({ keys, allowlist, trustProxy, trustProviderKey }: AccessOptions): Stage {
  const allowed = allowList(allowlist)
  return (ctx, next) => {
    const { facts } = ctx.state
    const { headers, socket } = ctx.req
    const address = clientAddress(socket.remoteAddress, oneLine(headers['x-forwarded-for']), trustProxy)
    facts.address = address
    facts.client = addressName(address)
    if (!allowed(address)) throw new ProxyError('ip_not_allowed')

    if (keys.size > 0) {
      facts.client = ownClient(keys, headers)
    } else {
      if (headers.authorization) ctx.state.providerKey = headers.authorization
      // Azure's clients have theirs in a header of its own, which goes upstream as it is.
      const sent = headers.authorization ?? oneLine(headers['api-key'])
      if (sent && trustProviderKey) facts.client = nameOn(socket, sent)
    }
    return next()
  }
}

interface Named {
  readonly authorization: string
  readonly name: string
}

// Digests cost as much as a whole stage, and a connection brings the same key again and again. Held no longer than the
// connection, which has had the key in its buffers anyway.
const named = new WeakMap<Socket, Named>()

/** How the client is shown that sends this on this connection. */
function nameOn(socket: Socket, authorization: string): string {
  const known = named.get(socket)
  if (known?.authorization === authorization) return known.name
  const name = keyName(bearer(authorization) ?? authorization)
  named.set(socket, { authorization, name })
  return name
}

/** The challenge is part of every 401: RFC 9110, section 11.6.1. */
function ownClient(keys: Keyring, headers: Headers): string {
  const presented = presentedKey(headers)
  const client = presented === undefined ? undefined : keys.identify(presented)
  if (client === undefined) throw new ProxyError('invalid_api_key', { headers: { 'www-authenticate': 'Bearer' } })
  return client
}

/** OpenAI's SDKs send a bearer token, Azure's `api-key`, others `x-api-key`. */
function presentedKey(headers: Headers): string | undefined {
  return bearer(headers.authorization) ?? oneLine(headers['api-key']) ?? oneLine(headers['x-api-key'])
}

/** The scheme's name is case-insensitive: RFC 9110, section 11.1. */
function bearer(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}

/** Node joins repeated headers of these names into one line. */
function oneLine(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}
