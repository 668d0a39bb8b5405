import type { Answer } from '../facts.ts'
import { identityOf } from '../openai/chunks.ts'
import { readUsage } from '../openai/usage.ts'
import { responseHeaders } from '../upstream/headers.ts'
import { Collect } from './collect.ts'
import { type Exchange, type ExchangeParts, orderOf, type Request } from './exchange.ts'
import { beatJson } from './heartbeat.ts'

/** Asks for a stream and answers with the one JSON that it amounts to. */
export const unstream: Exchange = async (request, parts) => {
  const { newFold } = request.api
  if (!newFold) throw new TypeError(`${request.api.route} cannot be folded`)
  const order = orderOf(request, parts, {
    stream: true,
    addUsage: true,
    newConsumer: () => new Collect(newFold(parts.caps.maxAnswerBytes), parts.caps),
  })
  const stopBeat = beatJson(request.res, parts.clock, parts.jsonHeartbeatMs)
  try {
    const { call } = await parts.persist.run(order)
    return answerOf(request, parts, call.consumer)
  } finally {
    stopBeat()
  }
}

function answerOf({ facts }: Request, parts: ExchangeParts, collected: Collect): Answer {
  const { plain, head } = collected
  const folded = plain
    ? { text: plain.text, ...identityOf(plain.value), finishReasons: [], usage: readUsage(plain.value.usage) }
    : parts.finish(collected.fold)
  facts.usage = folded.usage
  facts.response = folded
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...responseHeaders(head?.headers ?? {}) },
    body: folded.text,
  }
}
