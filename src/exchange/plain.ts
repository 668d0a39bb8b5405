import { ProxyError } from '../errors.ts'
import { usageTextOf } from '../openai/answer.ts'
import { objectIn, readTrouble } from '../openai/trouble.ts'
import { readUsage } from '../openai/usage.ts'
import { Gather } from '../upstream/gather.ts'
import { responseHeaders } from '../upstream/headers.ts'
import { type Exchange, orderOf } from './exchange.ts'

/** Passes a plain answer on as it came: embeddings and the lists of models. */
export const plain: Exchange = async (request, parts) => {
  const order = orderOf(request, parts, {
    stream: false,
    addUsage: false,
    newConsumer: () => new Gather(parts.caps.maxAnswerBytes, mustBeAnswer),
  })
  const { call, facts: attempt } = await parts.persist.run(order)
  const { head, body } = call.consumer
  const said = head?.headers['content-type']
  if (request.asked) request.facts.usage = attempt.usage = readUsage(usageTextOf(body.toString()))
  return {
    status: head?.status ?? 200,
    headers: {
      ...responseHeaders(head?.headers ?? {}),
      'content-type': /json/i.test(String(said)) ? String(said) : 'application/json',
    },
    body,
  }
}

/**
 * A page that says 200, such as a login's or a load balancer's, is no answer: it may name what is inside. Nor is an error
 * that says 200, as aggregators answer where the provider behind them has failed: another upstream may have an answer.
 * @throws ProxyError `upstream_invalid`, or the error that it is
 */
export function mustBeAnswer(body: Buffer): void {
  const value = objectIn(parse(body))
  const trouble = value && readTrouble(value)
  if (trouble) throw trouble
}

function parse(body: Buffer): unknown {
  try {
    // It leaves out a byte order mark.
    return JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw new ProxyError('upstream_invalid', { cause })
  }
}
