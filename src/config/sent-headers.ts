import type { Settings, UpstreamConfig } from './settings.ts'

/**
 * What belongs to one connection (RFC 9110 §7.6.1) or describes the body, which this program writes itself. The HTTP
 * client refuses each request that has some of them, HTTP/2 others, and the upstream the rest.
 */
const ownHeaders: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'proxy-connection',
  'http2-settings',
])

/** The faults of the headers that are to be sent to upstreams, with which no request could reach them. */
export function unsendable(settings: Settings): string[] {
  return settings.upstreams.flatMap((upstream) =>
    Object.entries(upstream.headers ?? {}).flatMap(([header, value]) => {
      const cure = cureOf(header.toLowerCase(), value, upstream, settings)
      return cure === undefined ? [] : [`upstreams: ${upstream.name} has ${header} among its headers, ${cure}`]
    }),
  )
}

function cureOf(header: string, value: string, { url }: UpstreamConfig, settings: Settings): string | undefined {
  if (ownHeaders.has(header)) return 'which this proxy has to write itself; take it out'
  // `close` has its use: a new connection for each request.
  if (header === 'connection' && !/^(close|keep-alive)$/i.test(value)) return 'which can only be close; take it out'
  if (header !== 'proxy-authorization' || settings.noProxy !== undefined) return undefined
  const [name, forward] = url.startsWith('https:')
    ? ['HTTPS_PROXY', settings.httpsProxy]
    : ['HTTP_PROXY', settings.httpProxy]
  // What is meant for the upstream itself may go there, but where it would have to pass another proxy.
  return forward && `which is for the forward proxy; write user and password into the address of ${name} instead`
}
