import type { Settings, UpstreamConfig } from '../config/settings.ts'
import { ownKeys } from '../upstream/headers.ts'

/**
 * Whose key an upstream is sent: one of the operator's, the client's own, or nobody's. It is nobody's where clients send
 * a key of this proxy, which never goes upstream.
 */
export function whoseKey(
  upstream: Pick<UpstreamConfig, 'key' | 'headers'>,
  { proxyApiKeys }: Pick<Settings, 'proxyApiKeys'>,
): 'operator' | 'client' | 'nobody' {
  if (ownKeys(upstream).length > 0) return 'operator'
  return proxyApiKeys.length === 0 ? 'client' : 'nobody'
}

/** All keys that a configuration has, wherever they stand in it: nothing that is written may show one. */
export function keysIn({ upstreams, proxyApiKeys }: Pick<Settings, 'upstreams' | 'proxyApiKeys'>): string[] {
  return [...upstreams.flatMap(ownKeys), ...proxyApiKeys.map(({ key }) => key)]
}
