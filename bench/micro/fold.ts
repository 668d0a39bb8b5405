/**
 * What folding a stream costs, beside parsing its events and beside the official SDK's accumulator:
 * `node bench/micro/fold.ts`. The bodies are those of the whole-proxy bench: 10, 100 and 1000 tokens, a role, a finish and
 * a usage chunk; `[DONE]` is not counted. Times are the thread's CPU time, which other processes disturb least.
 */
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import { finishChat } from '../../src/fold/finish.ts'
import { parseExact } from '../../src/json/exact.ts'
import { ChunkFold } from '../../src/openai/chunks.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { compare, cpuTime, madeInAll, type Work } from './timing.ts'

type Fields = Record<string, unknown>

const CAP = 64 * 1024 * 1024

const sentence =
  'Every token that a model writes comes as an event — piece by piece, naïve or not, 世界 included, "quoted" too.\n'
const words = sentence.split(/(?<= )/)

function chunkOf(delta: Fields, rest: Fields = {}, beside: Fields = {}): Fields {
  return {
    id: 'chatcmpl-bench0123456789',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'bench',
    system_fingerprint: 'fp_bench',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...beside }],
    ...rest,
  }
}

type Make = (text: string, at: number) => Fields

function chunksOf(tokens: number, make: Make = (content) => chunkOf({ content })): Fields[] {
  const usage = { prompt_tokens: 12, completion_tokens: tokens, total_tokens: tokens + 12 }
  return [
    chunkOf({ role: 'assistant', content: '' }),
    ...Array.from({ length: tokens }, (_, at) => make(words[at % words.length] as string, at)),
    chunkOf({}, {}, { finish_reason: 'stop' }),
    chunkOf({}, { choices: [], usage }),
  ]
}

function fold(events: readonly string[]): number {
  const chunks = new ChunkFold(CAP, finishChat)
  for (const event of events) chunks.pushBytes(event, '')
  chunks.pushBytes('[DONE]', '')
  return chunks.finish().length
}

function parse(events: readonly string[]): number {
  let choices = 0
  for (const event of events) choices += JSON.parse(event).choices.length
  return choices
}

async function accumulate(events: readonly string[]): Promise<number> {
  const lines = events.map((event) => Buffer.from(`${event}\n`))
  const stream = ChatCompletionStream.fromReadableStream(ReadableStream.from(lines))
  return JSON.stringify(await stream.finalChatCompletion()).length
}

function asBytes(texts: readonly string[]): string[] {
  return texts.map((text) => bytesOf(Buffer.from(text)))
}

const sizes: Record<string, Fields> = {}
for (const tokens of [10, 100, 1000]) {
  const texts = chunksOf(tokens).map((chunk) => JSON.stringify(chunk))
  const works: Record<string, [Work<readonly string[]>, readonly string[]]> = {
    fold: [fold, asBytes(texts)],
    'JSON.parse': [parse, texts],
    'openai 7.57.0': [accumulate, texts],
  }
  sizes[`${texts.length} events`] = await compare(works, texts.length)
}
console.log('An event of an answer, from its data to the whole JSON')
console.table(sizes)

const filler = 'kQ2x7wPzAb'

/** What providers send, most of it in more than half of all streams. */
const kinds: [name: string, make: Make, write?: (chunk: Fields) => string][] = [
  ['plain content', (content) => chunkOf({ content })],
  [
    'padding, null usage (OpenAI)',
    (content, at) => chunkOf({ content }, { usage: null, obfuscation: filler.slice(at % 9) }),
  ],
  ['spaces, escapes (Python)', (content) => chunkOf({ content }), likePython],
  [
    'role in every chunk, new time each 50 (xAI)',
    (content, at) => chunkOf({ role: 'assistant', content }, { created: (at / 50) | 0 }),
  ],
  ['reasoning, null content (DeepSeek)', (text) => chunkOf({ content: null, reasoning_content: text })],
  ['tool call arguments', (text) => chunkOf({ tool_calls: [{ index: 0, function: { arguments: text } }] })],
  [
    'log probabilities',
    (content) => chunkOf({ content }, {}, { logprobs: { content: [{ token: content, logprob: -0.5 }] } }),
  ],
  ['counts in every chunk', (content, at) => chunkOf({ content }, { usage: { completion_tokens: at } })],
  ['two choices in turn', (content, at) => chunkOf({ content }, {}, { index: at % 2 })],
]

function likePython(chunk: Fields): string {
  const spaced = JSON.stringify(chunk, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/([{[]) | ([}\]])/g, '$1$2')
  return spaced.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const shapes: Record<string, Fields> = {}
for (const [name, make, write = JSON.stringify] of kinds) {
  const texts = chunksOf(1000, make).map((chunk) => write(chunk))
  shapes[name] = await compare({ fold: [fold, asBytes(texts)], 'JSON.parse': [parse, texts] }, texts.length)
}
console.log('An event of an answer of 1000 tokens, by what the upstream sends')
console.table(shapes)

/** The other way to keep the digits: JSON.parse tells its reviver the source of each number. */
function parseRevived(text: string): unknown {
  return JSON.parse(text, (_, value, context?: { source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined || String(value) === context.source) return value
    return JSON.rawJSON(context.source)
  })
}

/** Parses the event a hundred times, since a clock cannot tell one. */
function often(parseOne: (text: string) => unknown): Work<string> {
  return (text) => {
    let read = 0
    for (let time = 0; time < 100; time++) read += Number(parseOne(text) !== null)
    return read
  }
}

const exactness: Record<string, Fields> = {}
for (const [name, chunk] of [
  ['an event with text', chunkOf({ content: 'word ' })],
  ['counts and times', chunkOf({}, { usage: { total_tokens: 9, queue_time: 0.0125, total_time: 1.5 } })],
  ['a member with 20 digits', chunkOf({}, { seed: '#' })],
] as const) {
  const text = JSON.stringify(chunk).replace('"#"', '12345678901234567890')
  const works: Record<string, [Work<string>, string]> = {
    'JSON.parse': [often((input) => JSON.parse(input)), text],
    exact: [often(parseExact), text],
    'with a reviver': [often(parseRevived), text],
  }
  exactness[name] = await compare(works, 100)
}
console.log('Parsing one event, numbers as doubles or with their digits')
console.table(exactness)

console.log('An answer that comes one character an event, ns an event: level when the work is linear')
let characters = 0
const linear: Record<string, Fields> = {}
for (const size of [50_000, 500_000, 5_000_000]) {
  const event = JSON.stringify(chunkOf({ content: 'x' }))
  const chunks = new ChunkFold(CAP, finishChat)
  const start = cpuTime()
  for (let at = 0; at < size; at++) chunks.pushBytes(event, '')
  chunks.pushBytes('[DONE]', '')
  characters += chunks.finish().length
  linear[`${size} events`] = { 'fold, ns': Number(((cpuTime() - start) / size).toFixed(1)) }
}
console.table(linear)
console.log(`(${madeInAll() + characters} characters made)`)
