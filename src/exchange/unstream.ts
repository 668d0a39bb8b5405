import type { Answer, AttemptFacts, Facts } from '../facts.ts'
import type { Summary } from '../openai/api.ts'
import { responseHeaders } from '../upstream/headers.ts'
import { Collect } from './collect.ts'
import { type Exchange, type ExchangeParts, note, orderOf } from './exchange.ts'
import { beatJson } from './heartbeat.ts'

/** Asks for a stream and answers with the one JSON that it amounts to. */
export const unstream: Exchange = async (request, parts) => {
  const { api } = request
  const { newFold } = api
  if (!newFold) throw new TypeError(`${api.route} cannot be folded`)
  const order = orderOf(request, parts, {
    stream: true,
    addUsage: true,
    newConsumer: (_addedUsage, attempt) =>
      new Collect(api, newFold(parts.caps.maxAnswerBytes), parts.caps, (summary, isWhole) => {
        if (isWhole) note(request.facts, attempt, summary)
        else noteCost(request.facts, attempt, summary)
      }),
  })
  const stopBeat = beatJson(request.res, parts.clock, parts.jsonHeartbeatMs)
  try {
    const { call } = await parts.persist.run(order)
    return answerOf(parts, call.consumer)
  } finally {
    stopBeat()
  }
}

/** The try that lost a race ends behind the one that won, whose answer is the one that counts for the client. */
function noteCost(facts: Facts, attempt: AttemptFacts, { usage }: Summary): void {
  attempt.usage = usage
  facts.usage ??= usage
}

function answerOf(parts: ExchangeParts, { plain, head, fold }: Collect): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...responseHeaders(head?.headers ?? {}) },
    body: plain ? plain.text : parts.finish(fold),
  }
}
