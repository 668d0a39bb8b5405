import type { IncomingHttpHeaders } from 'node:http'
import type { Next, ParameterizedContext } from 'koa'
import type { ErrorCode, ProxyError } from './errors.ts'

/** How a request is answered: folded into JSON, passed through as events, or neither (embeddings, models). */
export type Mode = 'unstream' | 'stream' | 'plain'

/** The routes that metrics and spans may name; every other path is `other`, so that clients cannot grow a label. */
export type Route =
  | '/v1/chat/completions'
  | '/v1/completions'
  | '/v1/responses'
  | '/v1/embeddings'
  | '/v1/models'
  | '/v1/models/:id'
  | '/health'
  | '/health/live'
  | '/health/ready'
  | 'other'

/** The routes that exist at the upstreams as well. */
export type ApiRoute = Extract<Route, `/v1/${string}`>

/** How one try at one upstream ended: the `outcome` label of `proxy_upstream_attempts_total`. */
export type Outcome =
  | 'ok'
  | 'connect'
  | 'connect_timeout'
  | 'first_event_timeout'
  | 'idle_timeout'
  | 'total_timeout'
  | 'rate_limited'
  | 'unauthorized'
  | 'server_error'
  | 'client_error'
  | 'truncated'
  | 'invalid'
  | 'too_large'
  | 'aborted'
  | 'lost_hedge'

/** Whether the upstream had already sent an event with data when the try ended. */
export type Phase = 'before_first_event' | 'mid_stream'

/** What one try at one upstream learnt. Times are the clock's milliseconds. */
export interface AttemptFacts {
  readonly upstream: string
  readonly startedAt: number
  firstEventAt: number | undefined
  endedAt: number | undefined
  status: number | undefined
  outcome: Outcome | undefined
  /** Events with data, and body bytes, received from the upstream. */
  events: number
  bytes: number
  /** Milliseconds of the try during which nothing but the upstream was waited for. */
  waitedMs: number
  /** What it cost, if it got as far as to say so. */
  usage: Usage | undefined
  /** Set when another try follows this one. */
  retried: boolean
}

/** Token counts as the upstream gave them; nothing is estimated. */
export interface Usage {
  input: number
  output: number
  cached: number
  reasoning: number
  /** Where it is more than input and output. */
  total?: number
}

/** One limit's verdict on one request. Times are milliseconds. */
export interface Grant {
  ok: boolean
  /** The limit that refused; undefined when all admitted. */
  refusedBy?: 'requests' | 'tokens' | 'concurrency'
  retryAfterMs: number
  /** For the `x-ratelimit-*` headers; a limit that is off is absent. */
  requests?: { limit: number; remaining: number; resetMs: number }
  tokens?: { limit: number; remaining: number; resetMs: number }
  /** Set when the client has a cap on requests at once and this one took a slot; it has no header. */
  slot?: true
}

/**
 * What one request learnt about itself, stage by stage. Stages write here and nowhere else;
 * `telemetry/project.ts` reads it once, when the response has closed.
 * No prompt, answer or key is ever put here.
 */
export interface Facts {
  readonly requestId: string
  /** The clock's milliseconds when the request's headers had been read. */
  readonly startedAt: number
  readonly method: string
  route: Route
  mode: Mode
  /** Who asks, fit to be shown: a configured name, a key's hash, or an address. */
  client: string
  /** The client's address, behind the proxies that are trusted; undefined when it was refused before that was looked at. */
  address: string | undefined
  /** The model asked for, as the client wrote it. */
  model: string | undefined
  /** Undefined where nothing of this client's is limited. */
  limit: Grant | undefined
  readonly attempts: AttemptFacts[]
  /** Milliseconds during which this request only waited for an upstream. */
  upstreamMs: number
  /** The clock's milliseconds since which upstreams are being waited for; undefined while none is. */
  waitingSince: number | undefined
  usage: Usage | undefined
  response: { id?: string; model?: string; finishReasons?: string[] }
  /** Sampling parameters that a span may carry. */
  parameters: { temperature?: number; topP?: number; maxTokens?: number; choices?: number }
  status: number
  code: ErrorCode | undefined
  /** The failure behind `code`, for the log. */
  failure: ProxyError | Error | undefined
  requestBytes: number
  responseBytes: number
  /** The client closed its connection before the answer was complete. */
  clientLeft: boolean
}

/** A request body that has been read and checked. */
export interface RequestBody {
  /** The bytes as text, exactly as the client sent them. */
  readonly text: string
  readonly value: Readonly<Record<string, unknown>>
}

/** What `answer` writes to the client. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string | Buffer
}

/** What the stages of one request share. */
export interface State {
  facts: Facts
  /** Aborted when the client leaves; whoever waits on its behalf listens. */
  signal: AbortSignal
  /** The client's Authorization header, to be handed on to an upstream; absent when it holds one of the proxy's keys. */
  providerKey?: string
  body?: RequestBody
  answer?: Answer
  /** Whether this request's spans are kept; found out by the tracing. */
  sampled?: boolean
  /** The trace context that goes upstream, where the tracing knows it already: for a request that is not sampled. */
  traceHeaders?: Record<string, string>
  /** Milliseconds that the stages which have ended took, each without those below it; kept by their instruments. */
  stagesMs?: number
}

export type Context = ParameterizedContext<State>

/**
 * One layer of the stack: does its part, then lets the rest run by `next()`. One that has nothing to do afterwards is no
 * async function but returns `next()`, so that nothing of it is held for as long as the answer takes.
 */
export type Stage = (ctx: Context, next: Next) => Promise<void>

export type Headers = Readonly<IncomingHttpHeaders>

/** The record of a request that has just begun. */
export function newFacts(requestId: string, startedAt: number, method: string, route: Route): Facts {
  return {
    requestId,
    startedAt,
    method,
    route,
    mode: 'plain',
    client: 'unknown',
    address: undefined,
    model: undefined,
    limit: undefined,
    attempts: [],
    upstreamMs: 0,
    waitingSince: undefined,
    usage: undefined,
    response: {},
    parameters: {},
    status: 0,
    code: undefined,
    failure: undefined,
    requestBytes: 0,
    responseBytes: 0,
    clientLeft: false,
  }
}

/** The record of a try that has just begun. */
export function newAttempt(upstream: string, startedAt: number): AttemptFacts {
  return {
    upstream,
    startedAt,
    firstEventAt: undefined,
    endedAt: undefined,
    status: undefined,
    outcome: undefined,
    events: 0,
    bytes: 0,
    waitedMs: 0,
    usage: undefined,
    retried: false,
  }
}
