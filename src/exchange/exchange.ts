import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import type { Answer, AttemptFacts, Facts, Headers } from '../facts.ts'
import { explainRefusal } from '../openai/answer.ts'
import type { Api, Fold, Summary } from '../openai/api.ts'
import { type Asked, ask, mayAddUsage } from '../openai/ask.ts'
import type { Call } from '../upstream/call.ts'
import type { Consumer } from '../upstream/consumer.ts'
import { carriesClientKey, requestHeaders } from '../upstream/headers.ts'
import type { Order } from '../upstream/order.ts'
import type { Persist } from '../upstream/persist.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Adaptation } from './adapt.ts'
import type { ReaderCaps } from './reader.ts'

/** One client's request, on its way to the upstreams. */
export interface Request {
  readonly api: Api
  readonly facts: Facts
  readonly signal: AbortSignal
  readonly headers: Headers
  /** The trace context to send, where it is known before the upstream is asked. */
  readonly traceHeaders: Readonly<Record<string, string>> | undefined
  /** Without its `?`. */
  readonly query: string
  /** Undefined for routes that take no body. */
  readonly asked: Asked | undefined
  /** The `:id` of `/v1/models/:id`. */
  readonly modelId: string | undefined
  /** The client's credentials, where they are the provider's and not this proxy's. */
  readonly providerKey: string | undefined
  readonly res: ServerResponse
}

/** What all exchanges share. */
export interface ExchangeParts {
  readonly clock: Clock
  readonly persist: Persist
  readonly caps: ReaderCaps
  readonly firstEventMs: number
  readonly idleMs: number
  readonly totalMs: number
  /** Ask for the token counts of streams that are passed through as well, because a limit is charged with them. */
  readonly meterStreams: boolean
  /** The tracing writes its own context headers. */
  readonly traced: boolean
  /** The clients' keys are the provider's, since this proxy asks for none of its own. */
  readonly passKeys: boolean
  readonly jsonHeartbeatMs: number
  readonly sseHeartbeatMs: number
  /** Makes the answer of a fold; wrapped by the telemetry. */
  readonly finish: (fold: Fold) => string
}

/** A call whose consumer is known. */
export interface CallOf<C extends Consumer> extends Call {
  readonly consumer: C
  /** The proxy asked for the usage chunk. */
  readonly addedUsage: boolean
}

export interface OrderOptions<C extends Consumer> {
  readonly stream: boolean
  /** Ask for the usage chunk where the client has not. */
  readonly addUsage: boolean
  newConsumer(addedUsage: boolean, attempt: AttemptFacts): C
}

/** What of the exchange a request to an upstream depends on. */
export type OrderParts = Pick<ExchangeParts, 'firstEventMs' | 'idleMs' | 'totalMs' | 'traced' | 'passKeys'>

/** What the request wants of whichever upstream it goes to. */
export function orderOf<C extends Consumer>(
  request: Omit<Request, 'res'>,
  parts: OrderParts,
  options: OrderOptions<C>,
): Order<CallOf<C>> {
  const { facts, signal, asked, api, modelId } = request
  const deadlineAt = facts.startedAt + parts.totalMs
  const mayAdd = options.addUsage && asked !== undefined && mayAddUsage(api, asked.value)
  const adaptation = new Adaptation(options.stream && asked?.value.stream !== true)
  return {
    facts,
    signal,
    deadlineAt,
    // One that is asked about is where its name is known, like one that is asked.
    model: facts.model ?? modelId,
    hashKey: hashKeyOf(request),
    prepare(upstream, model, tryOnly, attempt) {
      const stream = options.stream && adaptation.streams(upstream)
      const addedUsage = mayAdd && adaptation.counts(upstream)
      const headers = headersFor(request, upstream, parts)
      const onlyThisModel = upstream.config.models !== undefined
      return {
        request: facts,
        model,
        method: asked ? 'POST' : 'GET',
        path: upstream.addresses.path(api.route, request.query, modelId === undefined ? undefined : model),
        headers,
        clientKey: carriesClientKey(headers, upstream.config, request),
        passKeys: parts.passKeys,
        body: asked && ask(api, asked, { stream, includeUsage: addedUsage, model, onlyThisModel }),
        consumer: options.newConsumer(addedUsage, attempt),
        addedUsage,
        patience: {
          // What is asked for in one piece though a stream was wanted has no first event that would come sooner.
          firstEventMs: stream === options.stream ? parts.firstEventMs : parts.totalMs,
          idleMs: parts.idleMs,
          deadlineAt,
        },
        signal: tryOnly,
        explain: explainRefusal,
      }
    },
    adapts: (upstream, failure, call) => adaptation.learn(upstream, failure, call.addedUsage),
    adapted: (upstream) => adaptation.keep(upstream),
  }
}

function headersFor(
  { headers, traceHeaders, facts, providerKey, asked }: Omit<Request, 'res'>,
  upstream: Upstream,
  { traced, passKeys }: OrderParts,
) {
  const { config } = upstream
  return requestHeaders({
    client: headers,
    config,
    requestId: facts.requestId,
    providerKey,
    passKeys,
    traced,
    traceHeaders,
    hasBody: asked !== undefined,
  })
}

/** What should keep going to the same upstream, so that the provider's prompt cache is of use. */
function hashKeyOf({ asked, headers, facts }: Omit<Request, 'res'>): string {
  const session = headers['x-session-id'] ?? headers['session-id']
  for (const candidate of [asked?.value.prompt_cache_key, asked?.value.user, session]) {
    if (typeof candidate === 'string' && candidate !== '') return candidate
  }
  return facts.client
}

/** Keeps what an answer said of itself, and of what this try for it has cost. */
export function note(facts: Facts, attempt: AttemptFacts, { usage, ...response }: Summary): void {
  attempt.usage = usage
  facts.usage = usage
  facts.response = response
}

/**
 * The headers of an answer from an upstream: the upstream's own that may pass, and where the answer comes from.
 * What an earlier stage has set, such as this proxy's limits, is not overwritten by the upstream's.
 */
export function answerHeaders(
  res: ServerResponse,
  facts: Facts,
  clock: Clock,
  upstream: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers = provenance(facts, clock)
  for (const name in upstream) if (!res.hasHeader(name)) headers[name] = upstream[name] as string
  return headers
}

/** Who gave the answer, after how many tries, and where the time went. */
export function provenance(facts: Facts, clock: Clock): Record<string, string> {
  const last = facts.attempts.at(-1)
  const now = clock.now()
  const upstreamMs = facts.upstreamMs + (facts.waitingSince === undefined ? 0 : now - facts.waitingSince)
  const ownMs = Math.max(0, now - facts.startedAt - upstreamMs)
  return {
    ...(last ? { 'x-proxy-upstream': last.upstream } : {}),
    'x-proxy-attempts': String(facts.attempts.length),
    'server-timing': `proxy;dur=${ownMs.toFixed(1)}, upstream;dur=${upstreamMs.toFixed(1)}`,
  }
}

/** One way of answering: it leaves an answer to be written, or has written it itself. */
export type Exchange = (request: Request, parts: ExchangeParts) => Promise<Answer | undefined>
