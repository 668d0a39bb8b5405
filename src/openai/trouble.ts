import { type OpenAIError, ProxyError, statusNamedBy } from '../errors.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'

/**
 * The error that an event or an answer carries, if any. Providers write it as OpenAI's `{"error": {…}}`, a bare
 * string, vLLM's `{"object": "error", …}`, or an event named `error` whose data is the error itself.
 */
export function readTrouble(value: JsonObject, eventName = ''): ProxyError | undefined {
  const error = own(value, 'error')
  if (isText(error)) return troubleOf({ message: error }, value)
  if (isObject(error)) return troubleOf(error, value)
  if (own(value, 'object') === 'error' || own(value, 'type') === 'error' || eventName === 'error') {
    return troubleOf(value, value)
  }
  return undefined
}

/** @param error the object with the message  @param around what encloses it, where some put the status */
export function troubleOf(error: JsonObject, around: JsonObject): ProxyError {
  const status = statusOf(error) ?? statusOf(around)
  const retryAfter = retryAfterOf(error) ?? retryAfterOf(around)
  return new ProxyError('upstream_error', {
    upstream: toOpenAIError(error),
    ...(status === undefined ? {} : { status }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}

function toOpenAIError(error: JsonObject): OpenAIError {
  const message = own(error, 'message') ?? own(error, 'detail')
  return {
    message: isText(message) ? message : 'The upstream reported an error without a message.',
    type: textOf(own(error, 'type')) ?? 'server_error',
    param: textOf(own(error, 'param')),
    code: textOf(own(error, 'code')),
  }
}

/** Codes are strings for OpenAI; vLLM, OpenRouter and others write the HTTP status there. */
function textOf(value: Json | undefined): string | null {
  if (typeof value === 'number') return String(value)
  return isText(value) && value !== 'error' ? value : null
}

function statusOf(error: JsonObject): number | undefined {
  for (const key of ['status', 'status_code', 'http_status', 'code']) {
    const status = statusNamedBy(own(error, key))
    if (status !== undefined) return status
  }
  return statusNamedBy(own(error, 'type'))
}

/** Seconds, from the places where gateways put the provider's own Retry-After. */
function retryAfterOf(error: JsonObject): number | undefined {
  const metadata = own(error, 'metadata')
  const headers = own(error, 'headers')
  for (const place of [error, metadata, headers, isObject(metadata) ? own(metadata, 'headers') : undefined]) {
    if (!isObject(place)) continue
    const seconds = secondsOf(own(place, 'retry_after') ?? own(place, 'retry-after') ?? own(place, 'Retry-After'))
    if (seconds !== undefined) return seconds
  }
  return undefined
}

function secondsOf(value: Json | undefined): number | undefined {
  const seconds = isText(value) ? Number(value) : value
  return typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds) ? seconds : undefined
}
