import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'

/** Proxies between here and the upstream, as the usual variables name them; an absent one is none. */
export interface ProxySettings {
  readonly httpProxy?: string | undefined
  readonly httpsProxy?: string | undefined
  /** Hosts that are reached without: `localhost, .internal, 10.0.0.1:8080, *`. */
  readonly noProxy?: string | undefined
}

export interface PoolSettings {
  readonly connectTimeoutMs: number
  /** Offers HTTP/2 by ALPN. It measured slower than HTTP/1.1 for streams, so it is asked for, never assumed. */
  readonly allowH2: boolean
  /** After this long new requests get new connections, so that they follow a changed DNS entry. */
  readonly connectionTtlMs: number
  readonly proxy: ProxySettings
}

/**
 * How long each of a name's addresses but the last may take before it is given up for the next. Node's quarter of a second
 * is less than the way to the other side of the earth and back: where the next address leads nowhere, as IPv6 often does,
 * such a provider could never be reached. Longer would be paid for each connection whose first address leads nowhere.
 * Milliseconds.
 */
const ADDRESS_MS = 500

/**
 * Makes the sockets of one upstream. TLS is verified against Node's own list of authorities (`NODE_EXTRA_CA_CERTS`,
 * `--use-system-ca`). Give the origin with every dispatch: behind a proxy it is what tells where to go.
 */
export function createDispatcher(origin: string, settings: PoolSettings): Dispatcher {
  const options = poolOptions(settings)
  const { httpProxy, httpsProxy, noProxy } = settings.proxy
  // Chosen here: undici would send https through the proxy for http where it has no other.
  const proxy = (origin.startsWith('https:') ? httpsProxy : httpProxy) ?? ''
  if (proxy === '') return new Pool(origin, options)
  return new EnvHttpProxyAgent({
    ...options,
    // All three given: undici would read the environment for one that is absent.
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy: noProxy ?? '',
    // Without it, plain HTTP through a proxy would get undici's own time-outs.
    factory: (url, opts) => new Pool(url, { ...options, ...opts }),
    // A proxy that takes the connection and never answers CONNECT is a connect time-out as well.
    clientFactory: (url, opts) => new Pool(url, { ...opts, headersTimeout: settings.connectTimeoutMs }),
  })
}

function poolOptions(settings: PoolSettings): Pool.Options {
  return {
    // No bound: a stream holds its connection for minutes, and admission is decided before this point.
    connections: null,
    pipelining: 1,
    connectTimeout: settings.connectTimeoutMs,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: Math.ceil(Math.min(ADDRESS_MS, settings.connectTimeoutMs / 2)),
    allowH2: settings.allowH2,
    // Shorter than the five seconds after which uvicorn, and so vLLM, closes an idle connection without a hint.
    keepAliveTimeout: 4000,
    // Off: first event, idle and total time are watched by whoever reads the stream, and count events, not bytes.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
}
