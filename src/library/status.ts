/** One upstream as the proxy sees it. */
export interface UpstreamState {
  readonly name: string
  /** Of its breaker: an open one lets no request through. */
  readonly state: 'closed' | 'half_open' | 'open'
  /** It asked to be left alone, by a 429. */
  readonly resting: boolean
  /** Milliseconds until it may be asked again; 0 when it may. */
  readonly waitMs: number
  readonly inFlight: number
  /** Moving average of the time to the first event, in milliseconds; 0 when unknown. */
  readonly firstEventMs: number
  readonly priority: number
  readonly weight: number
}

/**
 * What a proxy does just now. Written out, and not taken from the app: whoever compiles against the library would need
 * the types of all that the app is made of.
 */
export interface ProxyStatus {
  readonly inFlight: number
  /** It is being closed. */
  readonly draining: boolean
  readonly upstreams: readonly UpstreamState[]
}
