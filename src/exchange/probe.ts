import { type AttemptFacts, newAttempt, newFacts } from '../facts.ts'
import { finishChat } from '../fold/finish.ts'
import type { JsonObject } from '../fold/record.ts'
import type { Api } from '../openai/api.ts'
import { chat } from '../openai/chat.ts'
import { ChunkFold } from '../openai/chunks.ts'
import { models } from '../openai/plain.ts'
import type { Attempt } from '../upstream/call.ts'
import { type Failure, verdictOf } from '../upstream/classify.ts'
import { Gather } from '../upstream/gather.ts'
import { translateModel } from '../upstream/models.ts'
import type { SendProbe } from '../upstream/probe.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Collect } from './collect.ts'
import { type ExchangeParts, type OrderParts, orderOf } from './exchange.ts'
import { mustBeAnswer } from './plain.ts'

/** What a question needs besides the upstream that it goes to. */
export type ProbeParts = OrderParts & Pick<ExchangeParts, 'clock' | 'caps'>

/** How one upstream answered one question. */
export interface Probed {
  readonly facts: AttemptFacts
  readonly failure: Failure | undefined
  /** What the answer was, if it was one; `one-piece` is JSON that was asked for when a stream had been refused. */
  readonly form: 'events' | 'json' | 'one-piece'
}

/**
 * Probes an upstream as a user's request would ask it: streamed. A plain probe would declare every stream-only
 * upstream dead for ever.
 */
export function createProbe(attempt: Attempt, parts: ProbeParts): SendProbe {
  return async (upstream, body, signal) => {
    const { facts } = await askStreamed(attempt, parts, upstream, body, signal)
    // An upstream that refuses this one question, or asks for patience, is there again.
    return verdictOf(facts.outcome ?? 'aborted', facts.events === 0) !== 'failure'
  }
}

/**
 * Asks one upstream for a streamed chat answer, and in one piece where it refuses to stream that, as a user's request
 * does. `body` is the request's JSON. Never rejects.
 */
export async function askStreamed(
  attempt: Attempt,
  parts: ProbeParts,
  upstream: Upstream,
  body: string,
  signal: AbortSignal,
): Promise<Probed> {
  const { caps } = parts
  const value = JSON.parse(body) as JsonObject
  const order = orderOf({ ...questionTo(chat, parts, signal), asked: { text: body, value } }, parts, {
    stream: true,
    addUsage: false,
    newConsumer: () => new Collect(chat, new ChunkFold(caps.maxAnswerBytes, finishChat), caps, () => {}),
  })
  const ask = async () => {
    const facts = newAttempt(upstream.name, parts.clock.now())
    const call = order.prepare(upstream, modelFor(upstream, value), signal, facts)
    return { call, facts, failure: await attempt(upstream, call, facts) }
  }
  const { call, ...first } = await ask()
  if (first.failure && order.adapts(upstream, first.failure, call)) {
    const { facts, failure } = await ask()
    return { facts, failure, form: 'one-piece' }
  }
  return { ...first, form: call.consumer.plain ? 'json' : 'events' }
}

/** Asks one upstream for its list of models, which no provider bills. Never rejects. */
export async function askModels(
  attempt: Attempt,
  parts: ProbeParts,
  upstream: Upstream,
  signal: AbortSignal,
): Promise<Probed> {
  const order = orderOf({ ...questionTo(models, parts, signal), asked: undefined }, parts, {
    stream: false,
    addUsage: false,
    // A website answers to any path with a page, and 200.
    newConsumer: () => new Gather(parts.caps.maxAnswerBytes, mustBeAnswer),
  })
  const facts = newAttempt(upstream.name, parts.clock.now())
  const call = order.prepare(upstream, undefined, signal, facts)
  return { facts, failure: await attempt(upstream, call, facts), form: 'json' }
}

function questionTo(api: Api, { clock }: ProbeParts, signal: AbortSignal) {
  const facts = newFacts('probe', clock.now(), api === chat ? 'POST' : 'GET', api.route)
  const nothing = { traceHeaders: undefined, modelId: undefined, providerKey: undefined }
  return { api, facts, signal, headers: {}, query: '', ...nothing }
}

/** Named as a client would name it, where the upstream's rules know that name; else as the upstream itself does. */
function modelFor({ config }: Upstream, { model }: JsonObject): string | undefined {
  return typeof model === 'string' ? (translateModel(config.models, model) ?? model) : undefined
}
