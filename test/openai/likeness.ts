import fc from 'fast-check'
import type { Told } from '../fold/plainly.ts'

type Fields = Record<string, unknown>

/** How a server writes JSON: the gaps that its library leaves, and which characters it escapes. */
interface Style {
  readonly comma: string
  readonly colon: string
  readonly escaping: 'least' | 'ascii' | 'slash' | 'all'
}

const style: fc.Arbitrary<Style> = fc.record({
  comma: fc.constantFrom(',', ',', ', ', ' ,\n'),
  colon: fc.constantFrom(':', ':', ': ', ' :\t'),
  escaping: fc.constantFrom('least', 'least', 'ascii', 'slash', 'all'),
})

/** Texts that tempt a reader who does not parse: quotes, escapes, halves of characters, and pieces of events. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\\"',
    '"},"finish_reason":null}]}',
    '","content":"',
    '{"content":"x"}',
    '"obfuscation":"',
    ' a token longer than the engine copies ',
    '\ud83d',
    '\ude00',
    '\u2028',
    '[DONE]',
  ),
)

/** Shapes of chunks by which one string differs from the next: what follows `text` is that string. */
const shapes: readonly ((piece: string) => Fields)[] = [
  (content) => delta({ content }),
  (content) => delta({ role: 'assistant', content }),
  (content) => delta({ content, reasoning_content: null, tool_calls: null }),
  (content) => ({ ...delta({ content }), obfuscation: content.slice(1) }),
  (content) => ({ ...delta({ content }), p: 'abcdefgh'.slice(0, content.length) }),
  (content) => ({ obfuscation: 'first', ...delta({ content }) }),
  (piece) => delta({ content: null, reasoning_content: piece }),
  (piece) => delta({ content: '', reasoning_content: piece }),
  (piece) => delta({ reasoning: piece, channel: 'analysis' }),
  (piece) => delta({ refusal: piece, vendor: 3 }),
  (piece) => delta({ content: piece, reasoning: piece }),
  (piece) => delta({ content: [{ type: 'text', text: piece }] }),
  (piece) => delta({ vendor: piece, more: [] }),
  (piece) => delta({ vendor: { inner: piece } }),
  (piece) => delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] }),
  (piece) => delta({ tool_calls: [{ index: 1, id: '', type: 'function', function: { name: '', arguments: piece } }] }),
  (piece) => delta({ tool_calls: [{ function: { name: 'f', arguments: piece } }] }),
  (piece) => delta({ tool_calls: [{ index: 0, id: 'c', extra: [piece], function: { arguments: piece } }] }),
  (piece) => delta({ tool_calls: [{ index: 2, type: 'custom', custom: { name: 'c', input: piece } }] }),
  (piece) => delta({ function_call: { arguments: piece } }),
  (piece) => delta({ content: piece }, { index: 1 }),
  (piece) => delta({ content: piece }, { logprobs: { content: [{ token: piece }] } }),
  (piece) => delta({ content: piece }, { logprobs: { content: [{ token: 't' }] } }),
  (piece) => delta({ content: piece }, { logprobs: '' }),
  (piece) => delta({ tool_calls: [{ index: 0, list: numbered(), function: { arguments: piece } }] }),
  (piece) => delta({ tool_calls: [{ index: 0, function: { arguments: piece, list: numbered() } }] }),
  (piece) => delta({ tool_calls: [{ index: 0, function: { arguments: piece } }, fragmentOf('same')] }),
  (piece) => ({ choices: [{ delta: { content: piece } }, { index: 1, delta: { content: 'same' } }] }),
  (piece) => delta({ content: 5, vendor: piece }),
  (piece) => delta({ reasoning_content: 5, vendor: piece }),
  (piece) => ({ choices: [{ index: 0, text: 5, vendor: piece }] }),
  (piece) => delta({ content: piece, reasoning: 'same' }),
  (piece) => delta({ content: piece, vendor: { inner: 'same' } }),
  (piece) => delta({ content: piece, vendor: ['same'] }),
  (piece) => delta({ content: {}, refusal: piece }),
  (piece) => ({ note: { content: 'fixed' }, ...delta({ content: piece }) }),
  (piece) => ({ note: { content: piece }, ...delta({ content: piece }) }),
  (piece) => ({ note: { content: piece }, ...delta({ content: 'same' }) }),
  (piece) => ({ ...delta({ content: piece }), note: { p: piece } }),
  (piece) => ({ ...delta({ content: piece }), note: { p: 'same' }, obfuscation: piece }),
  (piece) => ({ choices: [{ index: 0, text: piece, message: { content: 'whole' } }] }),
  (piece) => delta({ content: piece }, { token_ids: [1], stop_reason: null }),
  (piece) => delta({ content: piece }, { content_filter_results: { hate: { filtered: false } }, text: piece }),
  (piece) => delta({ content: piece }, { message: { content: piece } }),
  (piece) => ({ ...delta({ content: piece }), usage: { total_tokens: piece.length }, note: 'a' }),
  (piece) => ({ ...delta({ content: piece }), note: 'b', created: 5 }),
  (piece) => ({ ...delta({ content: piece }), note: piece, id: 'other' }),
  (piece) => ({ id: 'x', choices: [{ text: piece, index: 0, logprobs: null, finish_reason: null }] }),
  (piece) => ({ id: 'x', choices: [{ text: piece, index: 0, reasoning: piece }], model: 'm', usage: null }),
  (piece) => ({ choices: [{ delta: { content: piece } }, { delta: { content: piece } }] }),
  (piece) => ({ choices: [{ index: 0, finish_reason: piece }] }),
  (piece) => ({ choices: [{ index: 0, text: '', finish_reason: piece }] }),
  (piece) => delta({}, { finish_reason: piece }),
  (piece) => delta({ finish_reason: piece }),
  (piece) => ({ choices: [{ index: 0, logprobs: piece }] }),
  (piece) => ({ choices: [{ index: 0, message: piece }] }),
  (piece) => ({ choices: [{ index: 0, delta: piece }] }),
]

const whole: readonly (() => Fields)[] = [
  () => delta({}, { finish_reason: 'stop' }),
  () => delta({}, { finish_reason: 'length', index: 1 }),
  () => ({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }),
  () => delta({ tool_calls: [{ index: 0, id: 'n', function: { name: 'g', arguments: '' } }] }),
  () => ({ error: { message: 'broken' } }),
]

/** What would grow by itself if the fold came to share it with what it remembers of a chunk. */
function numbered(): Fields[] {
  return [{ index: 0, text: 'same' }]
}

function fragmentOf(text: string): Fields {
  return { index: 1, function: { arguments: text } }
}

function delta(members: Fields, beside: Fields = {}): Fields {
  return { id: 'x', object: 'chat.completion.chunk', created: 4, choices: [{ index: 0, delta: members, ...beside }] }
}

function write(value: unknown, how: Style): string {
  if (typeof value === 'string') return literal(value, how.escaping)
  if (Array.isArray(value)) return `[${value.map((element) => write(element, how)).join(how.comma)}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}${how.colon}${write(member, how)}`,
  )
  return `{${members.join(how.comma)}}`
}

function literal(value: string, escaping: Style['escaping']): string {
  const least = JSON.stringify(value)
  if (escaping === 'least') return least
  if (escaping === 'slash') return least.replaceAll('/', '\\/')
  const pattern = escaping === 'ascii' ? /[^ -~]/g : /[\s\S]/g
  return `"${(escaping === 'ascii' ? least.slice(1, -1) : value).replace(pattern, (unit) => `\\u${hex(unit)}`)}"`
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, '0')
}

/** A run of chunks of one shape, as most of a stream is. */
const run = fc
  .tuple(fc.constantFrom(...shapes), style, fc.array(text, { minLength: 1, maxLength: 5 }))
  .map(([shape, how, pieces]) => pieces.map((piece) => write(shape(piece), how)))

const single = fc.tuple(fc.constantFrom(...whole), style).map(([make, how]) => [write(make(), how)])

/** Takes a character out of an event or puts one in, so that it fits its like almost. */
const damaged = fc
  .tuple(run, fc.nat(), fc.constantFrom('', '"', '\\', '}', ' ', 'x', ',"content":"y"'))
  .map(([events, seed, piece]) => {
    const last = events.at(-1) as string
    const at = seed % (last.length + 1)
    return [...events.slice(0, -1), last.slice(0, at) + piece + last.slice(at + (seed % 2))]
  })

/** Events of a stream that is much alike in itself, with now and then a surprise. */
export const alikeStream: fc.Arbitrary<Told[]> = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 12, arbitrary: run }, { weight: 3, arbitrary: single }, { weight: 1, arbitrary: damaged }),
      fc.constantFrom('', '', '', 'message', 'error'),
    ),
    { maxLength: 8 },
  )
  .map((runs) => [
    ...runs.flatMap(([events, name]) =>
      events.map((data): Told => [data, name === 'error' && data.length % 7 ? '' : name]),
    ),
    ['[DONE]', ''],
  ])
