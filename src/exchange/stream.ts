import { toProxyError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { wantsUsage } from '../openai/ask.ts'
import { errorEvent } from '../sse/write.ts'
import { type Exchange, type ExchangeParts, orderOf, provenance, type Request } from './exchange.ts'
import { beatEvents } from './heartbeat.ts'
import { Outlet } from './outlet.ts'
import { EVENT_STREAM, Relay } from './relay.ts'

/** Passes the upstream's events on as they come. Once the first is written, a failure can only be told as an event. */
export const stream: Exchange = async (request, parts) => {
  const outlet = openOutlet(request, parts)
  let relay: Relay | undefined
  const order = orderOf(request, parts, {
    stream: true,
    addUsage: parts.meterStreams,
    newConsumer(stripUsage) {
      relay = newRelay(request, parts, outlet, stripUsage)
      return relay
    },
  })
  const stopBeat = beatEvents((comment) => outlet.beat(comment), parts.clock, parts.sseHeartbeatMs)
  try {
    const { call } = await parts.persist.run(order)
    relay = call.consumer
    outlet.end()
  } catch (thrown) {
    // Without [DONE], so that no client takes what it has for the whole answer.
    if (outlet.begun) {
      outlet.write(errorEvent(toProxyError(thrown).toJSON().error))
      outlet.end()
    }
    throw thrown
  } finally {
    stopBeat()
    if (relay) noteAnswer(request.facts, relay)
  }
  return undefined
}

function openOutlet({ facts, res }: Request, { clock }: ExchangeParts): Outlet {
  return new Outlet(res, () => ({
    'content-type': EVENT_STREAM,
    'cache-control': 'no-cache',
    // nginx would collect the events in a buffer: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering
    'x-accel-buffering': 'no',
    ...provenance(facts, clock),
  }))
}

function newRelay({ api, asked }: Request, { caps }: ExchangeParts, outlet: Outlet, stripUsage: boolean): Relay {
  return new Relay({ api, outlet, caps, stripUsage, includeUsage: asked !== undefined && wantsUsage(asked.value) })
}

/** What the stream said of itself, also where it broke off: the tokens are charged all the same. */
function noteAnswer(facts: Facts, { watch }: Relay): void {
  const { id, model, finishReasons } = watch
  facts.usage = watch.usage
  facts.response = { finishReasons, ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }) }
  if (watch.trouble && !facts.failure) {
    facts.code = watch.trouble.code
    facts.failure = watch.trouble
  }
}
