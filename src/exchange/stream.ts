import { toProxyError } from '../errors.ts'
import type { AttemptFacts } from '../facts.ts'
import { wantsUsage } from '../openai/ask.ts'
import { errorEvent } from '../sse/write.ts'
import { answerHeaders, type Exchange, type ExchangeParts, note, orderOf, type Request } from './exchange.ts'
import { beatEvents } from './heartbeat.ts'
import { Outlet } from './outlet.ts'
import { EVENT_STREAM, Relay } from './relay.ts'

/** Passes the upstream's events on as they come. Once the first is written, a failure can only be told as an event. */
export const stream: Exchange = async (request, parts) => {
  const outlet = openOutlet(request, parts)
  const order = orderOf(request, parts, {
    stream: true,
    addUsage: parts.meterStreams,
    newConsumer: (stripUsage, attempt) => newRelay(request, parts, outlet, stripUsage, attempt),
  })
  const stopBeat = beatEvents((comment) => outlet.beat(comment), parts.clock, parts.sseHeartbeatMs)
  try {
    await parts.persist.run(order)
    outlet.end()
  } catch (thrown) {
    // Without [DONE], so that no client takes what it has for the whole answer.
    if (outlet.begun && !outlet.told) outlet.write(errorEvent(toProxyError(thrown).toJSON().error))
    if (outlet.begun) outlet.breakOff()
    throw thrown
  } finally {
    stopBeat()
    request.facts.responseBytes = outlet.bytes
  }
  return undefined
}

function openOutlet({ facts, res }: Request, { clock }: ExchangeParts): Outlet {
  return new Outlet(res, (upstream) => ({
    ...answerHeaders(res, facts, clock, upstream),
    'content-type': EVENT_STREAM,
    'cache-control': 'no-cache',
    // nginx would collect the events in a buffer: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
    'x-accel-buffering': 'no',
  }))
}

function newRelay(
  { api, asked, facts }: Request,
  { caps }: ExchangeParts,
  outlet: Outlet,
  stripUsage: boolean,
  attempt: AttemptFacts,
): Relay {
  return new Relay({
    api,
    outlet,
    caps,
    stripUsage,
    upstream: attempt.upstream,
    includeUsage: asked !== undefined && wantsUsage(asked.value),
    note(summary) {
      // Here too, because a client that leaves is reported before `finally` above.
      facts.responseBytes = outlet.bytes
      note(facts, attempt, summary)
    },
  })
}
