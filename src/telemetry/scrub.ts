import type { SpanKind } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { redact } from './redact.ts'
import { serverAttributes as served, attemptAttributes as tried } from './span-table.ts'

/** Nothing shorter is taken for a key. */
const LEAST_KEY = 8

/** Attributes whose values are this proxy's own words, or the configuration's: nothing in them needs to be looked for. */
const ownWords: ReadonlySet<string> = new Set(
  [
    ...[served.method, served.route, served.scheme, served.protocol, served.mode, served.code, served.error],
    ...[served.peer, served.clientAddress, served.upstream, tried.operation, tried.provider],
  ].map(({ name }) => name),
)

type Change = (text: string) => string

const bareUrl = rememberingLast(withoutQuery)
const redactBy = new Map<string | SpanKind, Change>()

/**
 * Takes out of a finished span what the instrumentations of others put in and what must not leave the process:
 * query strings (Azure-like upstreams and clients carry keys there), what looks like a key wherever it stands, and what an
 * exception says, since its message may be an upstream's body. An exception's type, and that there was one, stay.
 */
export function scrub(span: ReadableSpan): void {
  const { attributes, events, status } = span
  // Asked first: V8 takes its time even to delete what is not there.
  if (attributes['url.query'] !== undefined) delete attributes['url.query']
  const full = attributes['url.full']
  if (typeof full === 'string') attributes['url.full'] = bareUrl(full)
  // Clients take a key for a model's name, or for a request's id.
  const spanName = nameOf(span)
  if (spanName !== span.name) Object.assign(span, { name: spanName })
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]
    if (typeof value !== 'string' || value.length < LEAST_KEY || ownWords.has(name)) continue
    attributes[name] = redacting(name)(value)
  }
  for (const { attributes: said } of events) {
    if (said === undefined) continue
    delete said['exception.message']
    delete said['exception.stacktrace']
  }
  if (status.message !== undefined) delete status.message
}

function nameOf({ name, kind }: ReadableSpan): string {
  return name.length < LEAST_KEY ? name : redacting(kind)(name)
}

/** One that remembers for each attribute, and each kind of span's names: most are the same for nearly all requests. */
function redacting(what: string | SpanKind): Change {
  const known = redactBy.get(what)
  if (known) return known
  const made = rememberingLast(redact)
  redactBy.set(what, made)
  return made
}

function rememberingLast(change: Change): Change {
  let last = ''
  let changed = ''
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
