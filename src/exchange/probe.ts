import { newAttempt, newFacts } from '../facts.ts'
import { finishChat } from '../fold/finish.ts'
import type { JsonObject } from '../fold/record.ts'
import { chat } from '../openai/chat.ts'
import { ChunkFold } from '../openai/chunks.ts'
import type { Attempt } from '../upstream/call.ts'
import { verdictOf } from '../upstream/classify.ts'
import { translateModel } from '../upstream/models.ts'
import type { SendProbe } from '../upstream/probe.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { Collect } from './collect.ts'
import { type ExchangeParts, orderOf } from './exchange.ts'

/**
 * Probes an upstream as a user's request would ask it: streamed. A plain probe would declare every stream-only
 * upstream dead for ever.
 */
export function createProbe(attempt: Attempt, parts: ExchangeParts): SendProbe {
  const { clock, caps } = parts
  return async (upstream, body, signal) => {
    const value = JSON.parse(body) as JsonObject
    const request = {
      api: chat,
      facts: newFacts('probe', clock.now(), 'POST', chat.route),
      signal,
      headers: {},
      query: '',
      asked: { text: body, value },
      modelId: undefined,
      providerKey: undefined,
    }
    const order = orderOf(request, parts, {
      stream: true,
      addUsage: false,
      newConsumer: () => new Collect(new ChunkFold(caps.maxAnswerBytes, finishChat), caps, () => {}),
    })
    const facts = newAttempt(upstream.name, clock.now())
    await attempt(upstream, order.prepare(upstream, modelFor(upstream, value), signal), facts)
    // An upstream that refuses this one question, or asks for patience, is there again.
    return verdictOf(facts.outcome ?? 'aborted') !== 'failure'
  }
}

/** Named as a client would name it, where the upstream's rules know that name; else as the upstream itself does. */
function modelFor({ config }: Upstream, { model }: JsonObject): string | undefined {
  return typeof model === 'string' ? (translateModel(config.models, model) ?? model) : undefined
}
