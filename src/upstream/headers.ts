import type { Headers } from '../facts.ts'
import { providerOf } from './provider.ts'
import type { UpstreamConfig } from './upstream.ts'

/**
 * What the client sends that must not go upstream: the connection's own headers (RFC 9110 §7.6.1), what describes a
 * body that was read and changed, the secrets of the browser and of this proxy, and where the client comes from.
 */
const keptBack: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'expect',
  'content-length',
  'content-encoding',
  'content-type',
  'accept',
  'accept-encoding',
  'authorization',
  'api-key',
  'x-api-key',
  'cookie',
  'cookie2',
  'origin',
  'referer',
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'fastly-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-original-forwarded-for',
  'x-envoy-external-address',
  'x-request-id',
])

const keptBackPrefixes = ['x-forwarded-', 'sec-', 'cf-', 'access-control-']

/** Written by the tracing's own instrumentation where it is on; passed along as they came where it is not. */
const tracing: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

export interface RequestHeaderOptions {
  readonly client: Headers
  readonly config: UpstreamConfig
  readonly requestId: string
  /** The client's own credentials, where they are meant for the provider. */
  readonly providerKey: string | undefined
  /** A key in another header than Authorization may go on as well. */
  readonly passKeys: boolean
  /** The tracing adds its own context headers, unless it has given them here. */
  readonly traced: boolean
  readonly traceHeaders: Readonly<Record<string, string>> | undefined
  readonly hasBody: boolean
}

/** The headers of a request to an upstream. Its own key wins over the client's, its own headers over all. */
export function requestHeaders(options: RequestHeaderOptions): Record<string, string> {
  const { client, config, requestId, traced, traceHeaders, hasBody } = options
  const named = connectionHeaders(client)
  const headers: Record<string, string> = {}
  for (const name in client) {
    const value = client[name]
    if (typeof value !== 'string' || keptBack.has(name) || named?.includes(name)) continue
    if (traced && tracing.has(name)) continue
    if (keptBackPrefixes.some((prefix) => name.startsWith(prefix))) continue
    headers[name] = value
  }
  headers.accept = 'text/event-stream, application/json'
  headers['accept-encoding'] = 'identity'
  if (hasBody) headers['content-type'] = 'application/json'
  headers['x-request-id'] = requestId
  if (traceHeaders) Object.assign(headers, traceHeaders)
  putKey(headers, options)
  for (const name in config.headers) headers[name.toLowerCase()] = config.headers[name] as string
  return headers
}

/** Azure takes keys in a header of its own, and tokens only in Authorization. */
function putKey(
  headers: Record<string, string>,
  { client, config, providerKey, passKeys }: RequestHeaderOptions,
): void {
  const azure = client['api-key']
  if (config.key !== undefined) {
    const { hostname } = new URL(config.url)
    if (providerOf(hostname).startsWith('azure.')) headers['api-key'] = config.key
    else headers.authorization = `Bearer ${config.key}`
    return
  }
  if (providerKey !== undefined) headers.authorization = providerKey
  if (passKeys && typeof azure === 'string' && !setsAuthorization(config)) headers['api-key'] = azure
}

/** Then that is the key, like `key`: a refusal of a client's beside it would count as one of it, for everybody. */
function setsAuthorization({ headers }: UpstreamConfig): boolean {
  for (const name in headers) if (name.toLowerCase() === 'authorization') return true
  return false
}

/** Where providers take a key; what the operator's `headers` have there is one of his, like `key`. */
const keyHeaders: ReadonlySet<string> = new Set(['authorization', 'api-key', 'x-api-key', 'x-goog-api-key'])

/** The keys that the operator has set for this upstream, without the scheme before them. */
export function ownKeys({ key, headers = {} }: Pick<UpstreamConfig, 'key' | 'headers'>): string[] {
  const values = Object.entries(headers).filter(([name]) => keyHeaders.has(name.toLowerCase()))
  const keys = values.map(([, value]) => value.trim().replace(/^\S+\s+/, ''))
  return [key ?? '', ...keys].filter((each) => each !== '')
}

/** Whether it is for the operator to mend when the upstream refuses the key that goes along, or that none does. */
export function isOperatorsKey({ upstream, call }: Sent): boolean {
  return !call.clientKey && (!call.passKeys || ownKeys(upstream.config).length > 0)
}

interface Sent {
  readonly upstream: { readonly config: UpstreamConfig }
  readonly call: { readonly clientKey: boolean; readonly passKeys: boolean }
}

/** Whether the key that goes along is the client's own, and not one that the operator has set. */
export function carriesClientKey(
  headers: Readonly<Record<string, string>>,
  { key }: UpstreamConfig,
  request: { readonly headers: Headers; readonly providerKey: string | undefined },
): boolean {
  if (key !== undefined) return false
  const { authorization, 'api-key': azure } = headers
  if (authorization !== undefined) return authorization === request.providerKey
  return azure !== undefined && azure === request.headers['api-key']
}

/** Under which organization and project the key is used. OpenAI answers 401 where it is not of these. */
const account = ['openai-organization', 'openai-project']

/** Whether it is the client who has named an organization or a project, perhaps one of another key. */
export function carriesClientAccount(
  headers: Readonly<Record<string, string>>,
  { headers: own }: UpstreamConfig,
): boolean {
  const set = Object.keys(own ?? {}).map((name) => name.toLowerCase())
  return account.some((name) => name in headers && !set.includes(name))
}

/** Further headers that this connection's `Connection` declares to be its own. */
function connectionHeaders(client: Headers): string[] | undefined {
  const { connection } = client
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return connection.split(',').map((name) => name.trim().toLowerCase())
}

/** What an upstream sends back that the client may see; everything else could name internal hosts or set cookies. */
const passedBack: ReadonlySet<string> = new Set([
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'openai-model',
  'openai-organization',
  'openai-processing-ms',
  'openai-project',
  'openai-version',
  'apim-request-id',
  'x-ms-region',
  'x-groq-region',
  'x-ratelimit-limit-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
])

/** The upstream's headers that the client gets. The proxy's own, where it sets one of the same name, win. */
export function responseHeaders(upstream: Headers): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name in upstream) {
    const value = upstream[name]
    if (typeof value === 'string' && passedBack.has(name)) headers[name] = value
  }
  return headers
}
