import { newAttempt, newFacts } from '../facts.ts'
import { finishChat } from '../fold/finish.ts'
import type { JsonObject } from '../fold/record.ts'
import { chat } from '../openai/chat.ts'
import { ChunkFold } from '../openai/chunks.ts'
import type { Attempt } from '../upstream/call.ts'
import type { SendProbe } from '../upstream/probe.ts'
import { Collect } from './collect.ts'
import { type ExchangeParts, orderOf } from './exchange.ts'

/**
 * Probes an upstream as a user's request would ask it: streamed. A plain probe would declare every stream-only
 * upstream dead for ever.
 */
export function createProbe(attempt: Attempt, parts: ExchangeParts): SendProbe {
  const { clock, caps } = parts
  return async (upstream, body, signal) => {
    const facts = newFacts('probe', clock.now(), 'POST', chat.route)
    const value = JSON.parse(body) as JsonObject
    const request = {
      api: chat,
      facts,
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
    const model = typeof value.model === 'string' ? value.model : undefined
    const failure = await attempt(
      upstream,
      order.prepare(upstream, model, signal),
      newAttempt(upstream.name, clock.now()),
    )
    return failure === undefined
  }
}
