import type { Fixture } from '../fold/fixtures.ts'
import type { Told } from '../fold/plainly.ts'
import { read } from '../sse/collect.ts'

export type Random = () => number

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T
}

type Holder = Record<string, unknown> | unknown[]

const names = [
  'id',
  'index',
  'type',
  'name',
  'content',
  'delta',
  'choices',
  'message',
  'tool_calls',
  'function',
  'text',
]
const odd = ['arguments', 'usage', 'logprobs', 'error', 'finish_reason', '__proto__', 'constructor', 'toString', '']
const values = [null, true, 0, 1, -1, 0.5, 1e9, 1023, 1024, '', 'a', 'stop', '"', '\ud83d', [], {}, ['a'], { index: 0 }]

/** All objects and lists within a value. */
function holdersIn(value: unknown, found: Holder[] = []): Holder[] {
  if (typeof value !== 'object' || value === null) return found
  found.push(value as Holder)
  for (const member of Object.values(value)) holdersIn(member, found)
  return found
}

/** Puts something else, or something of another event, into a place of the event, or takes a member out. */
function disturb(event: unknown, other: unknown, random: Random): void {
  const holder = pick(random, holdersIn(event)) ?? {}
  const keys = Object.keys(holder)
  const key = random() < 0.7 && keys.length > 0 ? pick(random, keys) : pick(random, [...names, ...odd])
  const value = structuredClone(random() < 0.6 ? pick(random, values) : pick(random, holdersIn(other)))
  if (random() < 0.15) Reflect.deleteProperty(holder, key)
  else if (Array.isArray(holder)) holder.push(value)
  else Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}

function disturbed(data: string, otherData: string, random: Random): string {
  const event = parse(data)
  if (typeof event !== 'object' || event === null) return data
  do disturb(event, parse(otherData), random)
  while (random() < 0.4)
  return JSON.stringify(event)
}

const gaps = ['\n\n', '\n\n', '\n\n', '\r\n\r\n', '\r\r', '\n: comment\n\n']

function write([data, name]: Told, random: Random): string {
  const gap = pick(random, gaps)
  const lines = data.split('\n').map((line) => `data: ${line}`)
  return `${name === '' ? '' : `event: ${name}\n`}${lines.join('\n')}${gap}`
}

/** A stream out of the events of one fixture or two, some of them disturbed, left out or repeated. */
export function makeStream(fixtures: readonly Fixture[], random: Random): Buffer {
  const [one, other] = [pick(random, fixtures), pick(random, fixtures)].map(({ body }) => read([body]).events)
  const events: string[] = []
  for (const event of one as Told[]) {
    const source = random() < 0.85 || !other?.length ? event : pick(random, other)
    if (random() < 0.05) continue
    const another = other?.length ? pick(random, other)[0] : '{}'
    const data = random() < 0.3 ? disturbed(source[0], another, random) : source[0]
    do events.push(write([data, source[1]], random))
    while (random() < 0.2)
  }
  return Buffer.from(events.join(''))
}
