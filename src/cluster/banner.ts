import { styleText } from 'node:util'
import { isLoopback } from '../config/rules.ts'
import type { Settings, UpstreamConfig } from '../config/settings.ts'
import { whoseKey } from '../wiring/whose-key.ts'

export interface BannerParts {
  readonly settings: Settings
  readonly version: string
  /** Where it listens in fact. */
  readonly port: number
  readonly adminPort: number
  /** Whether traces are exported. */
  readonly traces: boolean
}

type Ink = Parameters<typeof styleText>[0]

/** More would push what matters off the screen. */
const mostUpstreams = 8

/** What a terminal shows at the start: where to ask, whom it asks, and what is on. It has no key in it. */
export function banner(parts: BannerParts, ink = (format: Ink, text: string) => styleText(format, text)): string {
  const { settings, version } = parts
  const row = (name: string, text: string) => `   ${ink('dim', name.padEnd(11))}${text}`
  const lines = [
    `${ink('bold', 'openai-proxy')} ${version}`,
    '',
    row('Public', `${publicBase(parts)}${isWild(settings.host) ? ink('dim', '  on every address') : ''}`),
    row('Admin', `${addressOf(settings.adminHost, parts.adminPort)}${ink('dim', '  live page, /metrics, /status')}`),
    row('Workers', settings.workers === 0 ? 'none: one process does everything' : String(settings.workers)),
    ...upstreamRows(settings).map((text, at) => row(at === 0 ? 'Upstreams' : '', text)),
    row('Keys', keysLine(settings)),
    row('Limits', limitsLine(settings)),
    row('Traces', parts.traces ? 'on' : 'off (OTEL_EXPORTER_OTLP_ENDPOINT)'),
    '',
    ...curl(parts).map((text) => `   ${ink('cyan', text)}`),
  ]
  return `\n${lines.join('\n')}\n`
}

function publicBase({ settings, port }: BannerParts): string {
  return `${addressOf(settings.host, port)}/v1`
}

/** An address that can be pasted here, for a server that may listen on all of them. */
function addressOf(host: string, port: number): string {
  const here = isWild(host) ? '127.0.0.1' : host
  return `http://${here.includes(':') ? `[${here}]` : here}:${port}`
}

function isWild(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function upstreamRows(settings: Settings): string[] {
  const { upstreams, loadBalancing } = settings
  const shown = upstreams.slice(0, mostUpstreams).map((upstream) => upstreamRow(upstream, settings))
  const rest = upstreams.length - shown.length
  return [
    ...shown,
    ...(rest > 0 ? [`and ${rest} more`] : []),
    ...(upstreams.length > 1 ? [`balanced: ${loadBalancing}`] : []),
  ]
}

const keyTraits = { operator: 'with its own key', client: 'with the client’s key', nobody: 'without a key' } as const

function upstreamRow(upstream: UpstreamConfig, settings: Settings): string {
  const { name, url, priority } = upstream
  const { host } = new URL(url)
  const traits = [keyTraits[whoseKey(upstream, settings)], priority > 0 && `priority ${priority}`]
  return [name === host ? host : `${name}, ${host}`, ...traits.filter((trait) => trait !== false)].join(', ')
}

function keysLine({ proxyApiKeys, ipAllowlist, host }: Settings): string {
  const open = isLoopback(host) ? 'off' : 'off: whoever reaches the port may ask (PROXY_API_KEYS)'
  const keys = proxyApiKeys.length === 0 ? open : `on, ${proxyApiKeys.length} of them`
  return ipAllowlist.length === 0 ? keys : `${keys}; addresses: ${ipAllowlist.length} allowed`
}

function limitsLine(settings: Settings): string {
  const { rateLimitRequests, rateLimitTokens, rateLimitConcurrency, rateLimitStore, proxyApiKeys } = settings
  const caps = [
    rateLimitRequests > 0 && `${rateLimitRequests} requests a minute`,
    rateLimitTokens > 0 && `${rateLimitTokens} tokens a minute`,
    rateLimitConcurrency > 0 && `${rateLimitConcurrency} requests at once`,
    proxyApiKeys.some(({ requests, tokens, concurrency }) => requests || tokens || concurrency) &&
      'those of single keys',
  ].filter((cap) => cap !== false)
  if (caps.length === 0) return 'off'
  const store = rateLimitStore === 'redis' ? 'in Redis' : 'on this machine'
  return `${caps.join(', ')} for each client; counted ${store}`
}

function curl(parts: BannerParts): string[] {
  const { upstreams, proxyApiKeys } = parts.settings
  const models = upstreams.flatMap(({ models: rules }) => [...Object.keys(rules?.map ?? {}), ...(rules?.allow ?? [])])
  const model = models.find((name) => !name.endsWith('*')) ?? 'MODEL'
  const needsKey = proxyApiKeys.length > 0 || upstreams.some((each) => whoseKey(each, parts.settings) === 'client')
  const question = { model, messages: [{ role: 'user', content: 'Hello' }] }
  return [
    `curl ${publicBase(parts)}/chat/completions -H 'content-type: application/json' \\`,
    ...(needsKey ? ['  -H "authorization: Bearer $OPENAI_API_KEY" \\'] : []),
    `  -d '${JSON.stringify(question)}'`,
  ]
}
