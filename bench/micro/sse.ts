/**
 * What reading an event stream costs, beside the packages that do the same: `node bench/micro/sse.ts`.
 * The bodies are those of the whole-proxy bench: 10, 100 and 1000 tokens, a role, a finish and a usage chunk, `[DONE]`.
 */
import { StringDecoder } from 'node:string_decoder'
import { createParser as createOtherParser } from 'eventsource-parser'
import { bytesOf } from '../../src/sse/bytes.ts'
import { createParser } from '../../src/sse/parse.ts'

/** Takes one chunk; a new one is made for each body, as each answer needs its own. */
type Reader<Chunk> = (chunk: Chunk) => void

const MAX_EVENT = 64 * 1024 * 1024
const ROUNDS = 15
const ROUND_MS = 20
/** What one read of a socket brings when the upstream is far away: the payload of an Ethernet frame. */
const SEGMENT_BYTES = 1448

const sentence =
  'Every token that a model writes comes as an event — piece by piece, naïve or not, 世界 included, "quoted" too.\n'
const words = sentence.split(/(?<= )/)

function chunkOf(delta: object, finishReason: string | null = null): object {
  return {
    id: 'chatcmpl-bench0123456789',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'bench',
    system_fingerprint: 'fp_bench',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
  }
}

/** The events of an answer of this many tokens, as an upstream writes them. */
function eventsOf(tokens: number): string[] {
  const deltas = Array.from({ length: tokens }, (_, at) => chunkOf({ content: words[at % words.length] }))
  const usage = { prompt_tokens: 12, completion_tokens: tokens, total_tokens: tokens + 12 }
  const last = { ...chunkOf({}), choices: [], usage }
  const chunks = [chunkOf({ role: 'assistant', content: '' }), ...deltas, chunkOf({}, 'stop'), last]
  return [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), 'data: [DONE]\n\n']
}

function inSegments(events: readonly string[]): Buffer[] {
  const bytes = Buffer.from(events.join(''))
  const count = Math.ceil(bytes.length / SEGMENT_BYTES)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * SEGMENT_BYTES, (at + 1) * SEGMENT_BYTES))
}

/** Kept alive and printed at the end, so that no result can be optimised away. */
let seen = 0

const parsers: Record<string, () => Reader<string>> = {
  own() {
    const parser = createParser((data) => (seen += data.length), { maxEventBytes: MAX_EVENT })
    return (text) => parser.push(text)
  },
  'eventsource-parser'() {
    const parser = createOtherParser({ onEvent: ({ data }) => (seen += data.length), maxBufferSize: MAX_EVENT })
    return (text) => parser.feed(text)
  },
}

const decoders: Record<string, () => Reader<Buffer>> = {
  bytes() {
    return (bytes) => (seen += bytesOf(bytes).length)
  },
  'node:string_decoder'() {
    const decoder = new StringDecoder('utf8')
    return (bytes) => (seen += decoder.write(bytes).length)
  },
  TextDecoder() {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    return (bytes) => (seen += decoder.decode(bytes, { stream: true }).length)
  },
}

/** Nanoseconds that one reading of the body takes. */
function timeOnce<Chunk>(create: () => Reader<Chunk>, chunks: readonly Chunk[]): number {
  let bodies = 0
  const start = performance.now()
  let now = start
  for (; now - start < ROUND_MS; now = performance.now()) {
    for (let at = 0; at < 10; at++, bodies++) {
      const reader = create()
      for (const chunk of chunks) reader(chunk)
    }
  }
  return ((now - start) * 1e6) / bodies
}

/** The best of several rounds, which take turns, so that a busy machine slows all alike and only some of the rounds. */
function compare<Chunk>(readers: Record<string, () => Reader<Chunk>>, chunks: readonly Chunk[], events: number) {
  const best: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, create] of Object.entries(readers)) {
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, timeOnce(create, chunks) / events)
    }
  }
  return Object.fromEntries(Object.entries(best).map(([name, time]) => [`${name}, ns/event`, Number(time.toFixed(1))]))
}

function cutsOf(events: readonly string[]): [how: string, chunks: Buffer[]][] {
  return [
    ['whole', [Buffer.from(events.join(''))]],
    ['an event a push', events.map((event) => Buffer.from(event))],
    [`${SEGMENT_BYTES} bytes a push`, inSegments(events)],
  ]
}

const shapes: [name: string, change: (event: string) => string][] = [
  ['LF', (event) => event],
  ['CRLF', (event) => event.replaceAll('\n', '\r\n')],
  ['named', (event) => `event: response.output_text.delta\n${event}`],
]

const parsing: Record<string, object> = {}
const decoding: Record<string, object> = {}
for (const tokens of [10, 100, 1000]) {
  for (const [shape, change] of shapes) {
    const events = eventsOf(tokens).map(change)
    for (const [how, chunks] of cutsOf(events)) {
      const texts = chunks.map(bytesOf)
      // Named as in the whole-proxy bench, which does not count the `[DONE]`.
      const count = events.length - 1
      const row = `${count} events, ${shape}, ${how}`
      parsing[row] = compare(parsers, texts, count)
      if (shape === 'LF') decoding[row] = compare(decoders, chunks, count)
    }
  }
}
console.log('Text to events')
console.table(parsing)
console.log('Bytes to text')
console.table(decoding)

console.log('One event, one character a push, ns a character: level when the work is linear')
const linear: Record<string, object> = {}
for (const size of [50_000, 500_000, 5_000_000]) {
  const text = `data: ${'x'.repeat(size)}\n\n`
  linear[`${size} characters`] = Object.fromEntries(
    Object.entries(parsers).map(([name, create]) => {
      const start = performance.now()
      const reader = create()
      for (const character of text) reader(character)
      return [`${name}, ns`, Number((((performance.now() - start) * 1e6) / size).toFixed(1))]
    }),
  )
}
console.table(linear)
console.log(`(${seen} characters read)`)
