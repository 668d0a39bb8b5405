import { usageTextOf } from '../openai/answer.ts'
import { readUsage } from '../openai/usage.ts'
import { Gather } from '../upstream/gather.ts'
import { responseHeaders } from '../upstream/headers.ts'
import { type Exchange, orderOf } from './exchange.ts'

/** Passes a plain answer on as it came: embeddings and the lists of models. */
export const plain: Exchange = async (request, parts) => {
  const order = orderOf(request, parts, {
    stream: false,
    addUsage: false,
    newConsumer: () => new Gather(parts.caps.maxAnswerBytes),
  })
  const { call } = await parts.persist.run(order)
  const { head, body } = call.consumer
  const contentType = head?.headers['content-type'] ?? 'application/json'
  if (request.asked) request.facts.usage = readUsage(usageTextOf(body.toString()))
  return {
    status: head?.status ?? 200,
    headers: { ...responseHeaders(head?.headers ?? {}), 'content-type': contentType },
    body,
  }
}
