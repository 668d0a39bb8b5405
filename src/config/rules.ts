import { BlockList, isIP } from 'node:net'
import { unsendable } from './sent-headers.ts'
import type { ProxyKey, Settings } from './settings.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost'
  return loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
}

/** With less, a worker would be replaced over and over as soon as it has started. */
const leastHeapMb = 100

/** Rules that take more than one setting; each says what would be right. */
export function brokenRules(settings: Settings): string[] {
  const { port, adminPort, adminHost, adminToken, headersTimeoutMs, bodyTimeoutMs } = settings
  const rules: [broken: boolean, sentence: string][] = [
    [port !== 0 && port === adminPort, `ADMIN_PORT: is ${adminPort}, as PORT is; give each its own`],
    [!isLoopback(adminHost) && !adminToken, `ADMIN_TOKEN: is missing; it is needed when ADMIN_HOST is not loopback`],
    // Node refuses such a pair when the server is made, in every worker.
    [
      headersTimeoutMs > bodyTimeoutMs,
      `HEADERS_TIMEOUT_MS: is ${headersTimeoutMs}; it must not be longer than BODY_TIMEOUT_MS (${bodyTimeoutMs})`,
    ],
    [
      settings.maxHeapMb > 0 && settings.maxHeapMb < leastHeapMb,
      `MAX_HEAP_MB: is ${settings.maxHeapMb}; a worker needs half of ${leastHeapMb} before its first request, so give ${leastHeapMb} at least, or 0`,
    ],
    [
      settings.rateLimitStore === 'redis' && settings.redisUrl === undefined,
      'REDIS_URL: is missing; RATE_LIMIT_STORE=redis needs it',
    ],
    [
      settings.hedgeAfterMs > 0 && settings.retryBudget === 0,
      `HEDGE_AFTER_MS: is ${settings.hedgeAfterMs}, but RETRY_BUDGET is 0, which leaves nothing for a second upstream; raise that, or set this to 0`,
    ],
    [
      settings.hedgeAfterMs > 0 && settings.maxAttempts === 1,
      `HEDGE_AFTER_MS: is ${settings.hedgeAfterMs}, but MAX_ATTEMPTS is 1, and a second upstream is a second try; raise that, or set this to 0`,
    ],
  ]
  return [
    ...rules.filter(([broken]) => broken).map(([, sentence]) => sentence),
    ...unsendable(settings),
    ...namesOfTwoLimits(settings.proxyApiKeys).map(
      (name) => `keys: those named "${name}" have different limits; give them the same, or two names`,
    ),
    ...keysOfTwo(settings.proxyApiKeys).map(
      (whose) => `keys: the same key is that of ${whose}; whoever sends it can only be one of them`,
    ),
  ]
}

/** Whose the keys are that stand there more than once and not for the same client. Never the keys themselves. */
function keysOfTwo(keys: readonly ProxyKey[]): string[] {
  const owners = new Map<string, Map<string, string>>()
  for (const { key, name, ...limits } of keys) {
    const known = owners.get(key) ?? new Map<string, string>()
    owners.set(key, known.set(JSON.stringify([name, limits]), name === undefined ? 'one without a name' : `"${name}"`))
  }
  return [...owners.values()].filter(({ size }) => size > 1).map((several) => [...several.values()].join(' and '))
}

/** A client is its name: it cannot have the limits of one of its keys and of another. */
function namesOfTwoLimits(keys: readonly ProxyKey[]): string[] {
  const limits = new Map<string, Set<string>>()
  for (const { name, key: _, ...own } of keys) {
    if (name === undefined) continue
    const known = limits.get(name) ?? new Set()
    limits.set(name, known.add(JSON.stringify([own.requests, own.tokens, own.concurrency])))
  }
  return [...limits].filter(([, several]) => several.size > 1).map(([name]) => name)
}
