/**
 * What the live page is told once a second, as one JSON document in one event of `GET /live`.
 *
 * Its life: a worker keeps the facts of the requests under way and a bounded list of failures; the primary asks for
 * both, and for the metrics, while somebody looks at the page, adds them up into a frame, and forgets it. The page keeps
 * the last minutes of frames, makes rates and quantiles of them, and forgets them when it is closed. Nothing is stored.
 */
export interface Frame {
  /** Epoch milliseconds of the program's machine. */
  readonly at: number
  readonly version: string
  /** Seconds since the program started. */
  readonly uptime: number
  readonly inFlight: number
  readonly totals: Totals
  readonly upstreams: readonly UpstreamView[]
  readonly workers: readonly WorkerView[]
  /** The oldest requests under way; there may be more. */
  readonly requests: readonly RequestView[]
  /** Newest first. */
  readonly failures: readonly FailureView[]
}

/** Counted since the program started, dead workers included: none of these falls before it is started anew. */
export interface Totals {
  /** Answered API requests by what became of them; health checks are not among them. */
  readonly ok: number
  /** The client has to act: 4xx. */
  readonly refused: number
  /** 5xx. */
  readonly failed: number
  /** The client went away first. */
  readonly left: number
  /** Seconds from the request's headers until its response closed. */
  readonly duration: Histogram
  /** Seconds from the start of a try to its first event with data. */
  readonly firstEvent: Histogram
  /** Seconds that this proxy itself took. */
  readonly overhead: Histogram
  readonly inputTokens: number
  readonly outputTokens: number
  readonly retries: number
}

/** `counts[i]` observations were at most `bounds[i]` seconds; one more count than bounds, for all of them. */
export interface Histogram {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
}

export type CircuitState = 'closed' | 'half_open' | 'open'

export interface UpstreamView {
  readonly name: string
  /** The worst of the workers' breakers. */
  readonly state: CircuitState
  /** How many workers' breakers are in that state, of how many. */
  readonly agreeing: number
  readonly asked: number
  /** It asked to be left alone, by a 429. */
  readonly resting: boolean
  /** Milliseconds until it may be asked again. */
  readonly waitMs: number
  readonly inFlight: number
  readonly priority: number
  readonly weight: number
  /** Tries that ended since the start, and those of them that were the upstream's failure. */
  readonly tries: number
  readonly failures: number
  readonly firstEvent: Histogram
}

export interface WorkerView {
  readonly worker: string
  readonly pid: number
  readonly state: string
  /** Seconds. */
  readonly uptime: number
  /** What it says of itself; absent while it starts or does not answer. */
  readonly load?: WorkerLoadView | undefined
  /** Share of the last second that its event loop was busy, 0 to 1. */
  readonly busy?: number | undefined
}

export interface WorkerLoadView {
  readonly requests: number
  readonly errors: number
  readonly inFlight: number
  /** Bytes. */
  readonly rss: number
  readonly heapUsed: number
}

/** One request under way. */
export interface RequestView {
  readonly id: string
  readonly route: string
  readonly mode: string
  /** As the client wrote it, cut off; never to be taken for markup. */
  readonly model?: string | undefined
  readonly upstream?: string | undefined
  readonly attempts: number
  /** Milliseconds since its headers were read. */
  readonly ageMs: number
  /** Milliseconds that it took to the first event with data. */
  readonly firstEventMs?: number | undefined
  /** Received from the upstream by the try that runs. */
  readonly events: number
  readonly bytes: number
}

/** One request that went wrong. No body, prompt or key is in it. */
export interface FailureView {
  /** Epoch milliseconds. */
  readonly at: number
  readonly id: string
  readonly trace?: string | undefined
  readonly status: number
  /** One of docs/errors.md, or how the upstream's try ended where the answer is the upstream's own. */
  readonly code: string
  readonly route: string
  readonly model?: string | undefined
  readonly upstream?: string | undefined
  readonly durationMs: number
}
