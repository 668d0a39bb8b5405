import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseEvent } from '../../src/openai/chunks.ts'
import { Quick } from '../../src/openai/quick.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { CAP, folds } from '../fold/folding.ts'
import { foldPlainly, outcome, type Told } from '../fold/plainly.ts'
import { chunk } from '../support/chunks.ts'
import { alikeStream } from './likeness.ts'

function foldQuickly(api: 'chat' | 'completions', events: readonly Told[], cap = CAP): string {
  const fold = folds[api](cap)
  return outcome(() => {
    for (const [data, name] of events) fold.push(data, name)
    return fold.finish()
  })
}

/** The same from the events' bytes, as they come from an upstream. */
function foldBytesQuickly(api: 'chat' | 'completions', events: readonly Told[], cap: number): string {
  const fold = folds[api](cap)
  return outcome(() => {
    for (const [data, name] of events) fold.pushBytes(bytesOf(Buffer.from(data)), name)
    return fold.finish()
  })
}

/** As it is once it has been bytes: without halves of characters. */
function wellFormed([data, name]: Told): Told {
  return [data.toWellFormed(), name]
}

/** How many of the events had to be parsed. */
function parsedOf(events: readonly string[]): number {
  const quick = new Quick()
  let parsed = 0
  for (const data of events) {
    if (quick.find(data)) continue
    parsed++
    quick.learn(data, parseEvent(data), '')
  }
  return parsed
}

/** Twenty events that differ in one text. */
function twenty(
  make: (text: string, at: number) => object,
  write: (event: object) => string = JSON.stringify,
): string[] {
  return Array.from({ length: 20 }, (_, at) => write(make(`t${at} “${at}”`, at)))
}

/** As Python writes JSON by default. */
function likePython(event: object): string {
  return JSON.stringify(event, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/([{[]) | ([}\]])/g, '$1$2')
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const filler = 'kQ2x7wPz'

/** What real providers send, and how many events of twenty have to be parsed. */
const kinds: [who: string, events: string[], parsed: number][] = [
  ['plain content', twenty((content) => chunk({ content })), 1],
  [
    'content with padding (OpenAI)',
    twenty((content, at) => ({ ...chunk({ content }), usage: null, obfuscation: filler.slice(at % 8) })),
    1,
  ],
  ['content with padding (Mistral)', twenty((content, at) => ({ ...chunk({ content }), p: filler.slice(at % 8) })), 1],
  ['a role in every chunk (xAI)', twenty((content) => chunk({ role: 'assistant', content })), 1],
  ['spaces and escapes (Python)', twenty((content) => chunk({ content }), likePython), 1],
  ['reasoning beside null content (DeepSeek)', twenty((text) => chunk({ content: null, reasoning_content: text })), 1],
  ['reasoning beside empty content', twenty((text) => chunk({ content: '', reasoning_content: text })), 1],
  ['reasoning with a channel (Groq)', twenty((reasoning) => chunk({ reasoning, channel: 'analysis' })), 1],
  [
    'a time that changes with the second (xAI)',
    twenty((content, at) => ({ ...chunk({ content }), created: 7 + (at >> 1) })),
    10,
  ],
  ['tool call arguments', twenty((text) => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] })), 1],
  ['custom tool input', twenty((input) => chunk({ tool_calls: [{ index: 0, custom: { input } }] })), 1],
  ['filter results (Azure)', twenty((content) => chunk({ content }, { with: {} })), 1],
  [
    'legacy text',
    twenty((text) => ({ id: 'c', choices: [{ text, index: 0, logprobs: null, finish_reason: null }] })),
    1,
  ],
  [
    'look-alikes before the text',
    twenty((content) => ({ note: { content: 'a' }, more: { content: 'b' }, ...chunk({ content }) })),
    1,
  ],
  ['counts in every chunk', twenty((content, at) => ({ ...chunk({ content }), usage: { total_tokens: at } })), 20],
  ['two texts in a chunk', twenty((text) => chunk({ reasoning: text, reasoning_details: [{ text }] })), 20],
]

/** Mostly far above the stream's size, now and then within it: what is not parsed must count as much. */
const caps = fc.oneof({ weight: 3, arbitrary: fc.constant(CAP) }, { weight: 1, arbitrary: fc.nat(600) })

describe('the quick way through a stream', () => {
  for (const api of ['chat', 'completions'] as const) {
    it(`folds the chunks of ${api} to the same answer as parsing each of them`, () => {
      fc.assert(
        fc.property(alikeStream, caps, (events, cap) => {
          assert.equal(foldQuickly(api, events, cap), foldPlainly(api, events, cap))
          assert.equal(foldBytesQuickly(api, events, cap), foldPlainly(api, events.map(wellFormed), cap))
        }),
        { numRuns: 1000 },
      )
    })
  }

  for (const [who, events, parsed] of kinds) {
    it(`${parsed === 20 ? 'is not taken' : 'is taken'} with ${who}`, () => assert.equal(parsedOf(events), parsed))
  }

  it('is not taken with an event that is like the one before only at first sight', () => {
    const event = JSON.stringify({ ...chunk({ content: 'text' }), obfuscation: 'abc' })
    const others = [
      event.replace('"abc"}', '"}'),
      event.replace('"abc"', '"a"c"'),
      event.replace('"text"', '"te"xt"'),
      event.replace('"text"', '"te\\"'),
      event.replace('"text"', '"te\nxt"'),
      event.replace('"text"', '"te","content":"xt"'),
      `${event} `,
      event.slice(0, -1),
      event.slice(1),
    ]
    for (const other of others) {
      const quick = new Quick()
      quick.learn(event, parseEvent(event), '')
      assert.ok(quick.find(event))
      assert.equal(quick.find(other), undefined, other)
    }
  })

  it('does not take bytes for text that they do not encode', () => {
    const event = JSON.stringify({ ...chunk({ content: 'a' }), note: 'é' })
    const fold = folds.chat(CAP)
    fold.pushBytes(bytesOf(Buffer.from(event)), '')
    fold.pushBytes(bytesOf(Buffer.from(event, 'latin1')), '')
    fold.pushBytes('[DONE]', '')
    assert.equal(JSON.parse(fold.finish()).note, '\uFFFD')
  })

  it('is given up where nothing ever fits, and tried again later', () => {
    const varying = Array.from({ length: 200 }, (_, at) => JSON.stringify({ ...chunk({ content: 'a' }), id: `c${at}` }))
    const alike = Array.from({ length: 200 }, () => JSON.stringify(chunk({ content: 'a' })))
    const parsed = parsedOf([...varying, ...alike]) - varying.length
    assert.ok(parsed > 1 && parsed <= 65, `${parsed} were parsed`)
  })

  it('forgets a chunk when another one has said something different since, however many had varied before', () => {
    const [one, other] = ['a', 'b'].map((note) => JSON.stringify({ ...chunk({ content: note }), note }))
    for (let before = 0; before < 12; before++) {
      const varying = Array.from({ length: before }, (_, at) =>
        JSON.stringify({ ...chunk({ content: 'x' }), note: `${at}` }),
      )
      const events: Told[] = [...varying, one, other, one, '[DONE]'].map((data): Told => [data as string, ''])
      assert.equal(JSON.parse(foldQuickly('chat', events)).note, 'a')
      assert.equal(foldQuickly('chat', events), foldPlainly('chat', events))
    }
  })
})
