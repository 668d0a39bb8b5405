import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { redactor } from './redact.ts'

const redact = rememberingLast(redactor())
const bareUrl = rememberingLast(withoutQuery)

/**
 * Takes out of a finished span what the instrumentations of others put in and what must not leave the process:
 * query strings (Azure-like upstreams and clients carry keys there), keys in a path, and what an exception says, since its message
 * may be an upstream's body. An exception's type, and that there was one, stay.
 */
export function scrub(span: ReadableSpan): void {
  const { attributes, events, status } = span
  delete attributes['url.query']
  const path = attributes['url.path']
  if (typeof path === 'string') attributes['url.path'] = redact(path)
  const full = attributes['url.full']
  if (typeof full === 'string') attributes['url.full'] = bareUrl(full)
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
