import { type OpenAIError, ProxyError } from '../errors.ts'
import { isObject, isText, type Json, type JsonObject, own } from '../fold/record.ts'
import { numberOf } from '../json/exact.ts'
import { statusNamedBy } from './named-status.ts'

/**
 * The error that an event or an answer carries, if any. Providers write it as OpenAI's `{"error": {…}}`, a bare
 * string, vLLM's `{"object": "error", …}`, or an event named `error` whose data is the error itself.
 */
export function readTrouble(value: JsonObject, eventName = ''): ProxyError | undefined {
  const trouble = troubleIn(value) ?? troubleOfGroq(value)
  if (trouble) return trouble
  const { error, object, type } = { error: own(value, 'error'), object: own(value, 'object'), type: own(value, 'type') }
  if (error === true || object === 'error' || type === 'error' || eventName === 'error') return troubleOf(value, value)
  const choices = own(value, 'choices')
  if (!Array.isArray(choices)) return undefined
  return choices.filter(isObject).map(troubleIn).find(Boolean)
}

/**
 * A parsed event or answer as an object; undefined where it is none. Google's OpenAI-compatible API writes its errors as
 * a list of one.
 */
export function objectIn(value: unknown): JsonObject | undefined {
  if (isObject(value)) return value
  const [only, ...more] = Array.isArray(value) ? value : []
  return isObject(only) && more.length === 0 && isObject(own(only, 'error')) ? only : undefined
}

/** The error of an event that is named so but holds no JSON: then its data is the message. */
export function spokenTrouble(data: string, eventName: string): ProxyError | undefined {
  // What begins as JSON and cannot be read is half an event.
  return eventName === 'error' && !/^\s*["[{]/.test(data) ? troubleOf({ message: data }, {}) : undefined
}

/** OpenRouter may put the error into the choice that failed; the text before it must not pass for an answer. */
function troubleIn(around: JsonObject): ProxyError | undefined {
  const error = own(around, 'error')
  if (isText(error)) return troubleOf({ message: error }, around)
  return isObject(error) ? troubleOf(error, around) : undefined
}

/** Groq says in `x_groq.error` why it has stopped a stream early, as its SDKs have it (`XGroq` of groq-python). */
function troubleOfGroq(value: JsonObject): ProxyError | undefined {
  const groq = own(value, 'x_groq')
  return isObject(groq) ? troubleIn(groq) : undefined
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
  return {
    message: wordsIn(error) ?? 'The upstream reported an error without a message.',
    type: textOf(own(error, 'type')),
    param: textOf(own(error, 'param')),
    code: textOf(own(error, 'code')),
  }
}

/** Deeper than any provider hides them. */
const MAX_DEPTH = 4

/** The words of an error: Mistral and FastAPI put them into a list of faults, `{"detail": [{"msg": "Field required"}]}`. */
export function wordsIn(value: Json | undefined, depth = 0): string | undefined {
  const place = Array.isArray(value) ? value[0] : value
  if (isText(place)) return place
  if (!isObject(place) || depth > MAX_DEPTH) return undefined
  for (const key of ['message', 'msg', 'detail']) {
    const words = wordsIn(own(place, key), depth + 1)
    if (words !== undefined) return words
  }
  return undefined
}

/** Codes are strings for OpenAI; vLLM, OpenRouter and others write the HTTP status there. */
function textOf(value: Json | undefined): string | null {
  const number = numberOf(value)
  if (number !== undefined) return String(number)
  return isText(value) && value !== 'error' ? value : null
}

function statusOf(error: JsonObject): number | undefined {
  for (const key of ['status', 'status_code', 'http_status', 'code']) {
    const value = own(error, key)
    const status = statusNamedBy(numberOf(value) ?? value)
    if (status !== undefined) return status
  }
  return statusNamedBy(own(error, 'type'))
}

/** Seconds, from the places where gateways put the provider's own Retry-After, and Google its own word for it. */
function retryAfterOf(error: JsonObject): number | undefined {
  const delay = retryDelayIn(own(error, 'details'))
  if (delay !== undefined) return delay
  const metadata = own(error, 'metadata')
  const headers = own(error, 'headers')
  for (const place of [error, metadata, headers, isObject(metadata) ? own(metadata, 'headers') : undefined]) {
    if (!isObject(place)) continue
    const seconds = secondsOf(own(place, 'retry_after') ?? own(place, 'retry-after') ?? own(place, 'Retry-After'))
    if (seconds !== undefined) return seconds
  }
  return undefined
}

/** `google.rpc.RetryInfo`, a duration such as `"31.5s"`: https://google.aip.dev/193 */
function retryDelayIn(details: Json | undefined): number | undefined {
  if (!Array.isArray(details)) return undefined
  const delay = details.map((detail) => (isObject(detail) ? own(detail, 'retryDelay') : undefined)).find(isText)
  return delay?.endsWith('s') ? secondsOf(delay.slice(0, -1)) : undefined
}

function secondsOf(value: Json | undefined): number | undefined {
  const seconds = isText(value) ? Number(value) : numberOf(value)
  return seconds !== undefined && seconds >= 0 && Number.isFinite(seconds) ? seconds : undefined
}
