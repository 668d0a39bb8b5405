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
