import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { redact } from './redact.ts'

/** Nothing shorter is taken for a key. */
const LEAST_KEY = 8

const bareUrl = rememberingLast(withoutQuery)

/**
 * Takes out of a finished span what the instrumentations of others put in and what must not leave the process:
 * query strings (Azure-like upstreams and clients carry keys there), what looks like a key wherever it stands, and what an
 * exception says, since its message may be an upstream's body. An exception's type, and that there was one, stay.
 */
export function scrub(span: ReadableSpan): void {
  const { attributes, events, status } = span
  delete attributes['url.query']
  const full = attributes['url.full']
  if (typeof full === 'string') attributes['url.full'] = bareUrl(full)
  // Clients take a key for a model's name, or for a request's id.
  Object.assign(span, { name: redact(span.name) })
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]
    if (typeof value === 'string' && value.length >= LEAST_KEY) attributes[name] = redact(value)
  }
  for (const { attributes: said } of events) {
    if (said === undefined) continue
    delete said['exception.message']
    delete said['exception.stacktrace']
  }
  delete status.message
}

/** Nearly all spans of a proxy tell of the same path and of the same upstream. */
function rememberingLast(change: (text: string) => string): (text: string) => string {
  let last = ''
  let changed = change(last)
  return (text) => {
    if (text === last) return changed
    last = text
    changed = change(text)
    return changed
  }
}

function withoutQuery(url: string): string {
  const end = url.search(/[?#]/)
  const bare = end === -1 ? url : url.slice(0, end)
  return bare.replace(/^(\w+:\/\/)[^/@]*@/, '$1')
}
