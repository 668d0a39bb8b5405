import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { JsonObject } from '../../src/fold/record.ts'
import { parseExact } from '../../src/json/exact.ts'
import { chat } from '../../src/openai/chat.ts'
import { renderChat } from '../../src/openai/render-chat.ts'
import { answers, identity, usage } from './chat-answers.ts'
import { chunksOf, clientOf, eventsOf, foldOf } from './rendered.ts'

function answer(message: JsonObject, choice: JsonObject = {}, rest: JsonObject = {}): JsonObject {
  const whole = { role: 'assistant', content: null, refusal: null, ...message }
  return {
    ...identity,
    choices: [{ index: 0, message: whole, logprobs: null, finish_reason: 'stop', ...choice }],
    ...rest,
  }
}

const render = (value: JsonObject, includeUsage = false) => renderChat(value, { includeUsage })

interface Choice {
  index: number
  delta: JsonObject
  logprobs: { content: { token: string }[] } | null
  finish_reason: string | null
}

/** The choices of all chunks, of which each has one at most. */
const choices = (body: string) => chunksOf(body).flatMap((chunk) => chunk.choices as Choice[])
const deltas = (body: string) => choices(body).map(({ delta }) => delta)

/** What OpenAI's client adds to an answer of its own accord. */
function withoutParsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, member) => (name.startsWith('parsed') ? undefined : member)))
}

describe('rendering a chat completion as a stream', () => {
  it('is folded by OpenAI’s own client to the answer that it was', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (value) => {
        const client = clientOf(render(value, true))
        const stream = client.chat.completions.stream({ model: 'm', messages: [] })
        assert.deepEqual(withoutParsed(await stream.finalChatCompletion()), value)
      }),
    )
  })

  it('is folded by this proxy to the answer that it was', () => {
    fc.assert(fc.property(answers, (value) => assert.deepEqual(foldOf(chat, render(value, true)), value)))
  })

  it('begins with the role, ends with the finish reason and [DONE]', () => {
    const body = render(answer({ content: 'hi' }))
    assert.deepEqual(choices(body), [
      { index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: 'hi' }, logprobs: null, finish_reason: null },
      { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' },
    ])
    assert.ok(body.endsWith('\n\ndata: [DONE]\n\n'))
  })

  it('says in every chunk whose it is', () => {
    const own = { id: 'x', created: 5, model: 'n', service_tier: 'flex', system_fingerprint: 'fp' }
    for (const chunk of chunksOf(render(answer({ content: 'hi' }, {}, { ...own, usage }), true))) {
      const { choices: _choices, usage: _usage, ...rest } = chunk
      assert.deepEqual(rest, { ...own, object: 'chat.completion.chunk' })
    }
  })

  it('invents neither id nor created nor model', () => {
    const { object, choices: given } = answer({ content: 'hi' })
    for (const chunk of chunksOf(render({ object, choices: given } as JsonObject))) {
      assert.deepEqual(Object.keys(chunk), ['object', 'choices'])
    }
  })

  it('sends the usage only to a client that asked, in a chunk without choices behind all others', () => {
    const value = answer({ content: 'hi' }, {}, { usage })
    const asked = chunksOf(render(value, true))
    assert.deepEqual(
      asked.map((chunk) => chunk.usage),
      [null, null, null, usage],
    )
    assert.deepEqual(asked.at(-1)?.choices, [])
    assert.ok(chunksOf(render(value)).every((chunk) => !('usage' in chunk)))
    assert.ok(chunksOf(render(answer({ content: 'hi' }), true)).every((chunk) => !('usage' in chunk)))
  })

  it('cuts long content into pieces', () => {
    const content = '語😀'.repeat(200)
    const pieces = deltas(render(answer({ content }))).map(({ content: piece }) => piece ?? '')
    assert.equal(pieces.join(''), content)
    assert.ok(pieces.length > 4)
  })

  it('gives each piece of content the log probabilities of its tokens', () => {
    const entries = Array.from('a'.repeat(300), (token) => ({ token, logprob: -1, bytes: [97] }))
    const body = render(answer({ content: 'a'.repeat(300) }, { logprobs: { content: entries, refusal: null } }))
    const [first, ...others] = choices(body).slice(0, -1)
    assert.deepEqual(first?.logprobs, { content: [], refusal: null })
    assert.ok(others.length > 1)
    for (const { delta, logprobs } of others) {
      assert.deepEqual(Object.keys(logprobs ?? {}), ['content', 'refusal'])
      assert.equal(logprobs?.content.map(({ token }) => token).join(''), delta.content)
    }
  })

  it('adds no refusal to log probabilities that have none', () => {
    const value = answer({ content: 'a' }, { logprobs: { content: [{ token: 'a', logprob: -1 }] } })
    assert.deepEqual(foldOf(chat, render(value)), value)
  })

  it('names a tool call before its arguments come in pieces', () => {
    const args = `{"a":"${'x'.repeat(200)}"}`
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: args }, extra_content: { s: 1 } }
    const custom = { id: 'd', type: 'custom', custom: { name: 'g', input: 'in' } }
    const [, first, second, third, fourth, fifth] = deltas(render(answer({ tool_calls: [call, custom] })))
    assert.deepEqual(first, { tool_calls: [{ ...call, function: { name: 'f', arguments: '' }, index: 0 }] })
    assert.deepEqual(second, { tool_calls: [{ function: { arguments: args.slice(0, 128) }, index: 0 }] })
    assert.deepEqual(third, { tool_calls: [{ function: { arguments: args.slice(128) }, index: 0 }] })
    assert.deepEqual(fourth, { tool_calls: [{ ...custom, custom: { name: 'g', input: '' }, index: 1 }] })
    assert.deepEqual(fifth, { tool_calls: [{ custom: { input: 'in' }, index: 1 }] })
  })

  it('writes arguments that came as an object as their text', () => {
    const call = { function: { name: 'f', arguments: { a: 1 } } }
    const folded = foldOf(chat, render(answer({ tool_calls: [call] }))) as { choices: [{ message: JsonObject }] }
    assert.deepEqual(folded.choices[0].message.tool_calls, [
      { type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
    ])
  })

  it('passes on a call of a kind that it does not know', () => {
    const call = { id: 'c', type: 'other', other: { a: 1 } }
    assert.deepEqual(deltas(render(answer({ tool_calls: [call, 'noise'] })))[1], {
      tool_calls: [{ ...call, index: 0 }],
    })
  })

  it('is read by OpenAI’s own client though a message lacks its role, and calls their type', async () => {
    const calls = [
      { id: 'a', function: { name: 'f', arguments: '{}' } },
      { id: 'b', type: null, custom: { name: 'g', input: 'in' } },
    ]
    const value = { ...identity, choices: [{ message: { tool_calls: calls }, finish_reason: 'tool_calls' }] }
    const stream = clientOf(render(value)).chat.completions.stream({
      model: 'm',
      messages: [],
    })
    const { message } = (await stream.finalChatCompletion()).choices[0] ?? {}
    assert.equal(message?.role, 'assistant')
    assert.deepEqual(
      message.tool_calls?.map(({ id, type }) => [id, type]),
      [
        ['a', 'function'],
        ['b', 'custom'],
      ],
    )
  })

  it('sends what else the message has in one delta, before the content', () => {
    const others = { reasoning_content: 'x'.repeat(300), annotations: [{ a: 1 }], mood: 1 }
    assert.deepEqual(deltas(render(answer({ content: 'hi', ...others })))[1], others)
  })

  it('keeps what a provider adds to the choice and to the answer', () => {
    const value = answer(
      { content: 'hi', reasoning: null },
      { content_filter_results: { hate: { filtered: false } }, stop_reason: 7 },
      { citations: ['u'], x_groq: { id: 'r' } },
    )
    assert.deepEqual(foldOf(chat, render(value)), value)
    assert.deepEqual(
      chunksOf(render(value)).map((chunk) => chunk.citations),
      [['u'], undefined, undefined],
    )
  })

  it('passes on content that is a list of parts', () => {
    const value = answer({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'a' }] },
        { type: 'text', text: 'b' },
      ],
    })
    assert.deepEqual(foldOf(chat, render(value)), value)
  })

  it('keeps the log probabilities of a message without content', () => {
    const value = answer({ refusal: 'no' }, { logprobs: { content: null, refusal: [{ token: 'no', logprob: -1 }] } })
    assert.deepEqual(foldOf(chat, render(value)), value)
  })

  it('keeps the digits of numbers', () => {
    const value = parseExact(
      '{"id":"x","choices":[{"index":0,"message":{"content":"a","score":1.0}}],"seed":12345678901234567890}',
    )
    const body = render(value as JsonObject)
    assert.match(body, /"score":1\.0}/)
    assert.match(body, /"seed":12345678901234567890}/)
  })

  it('makes a stream of an answer that has no choices, or odd ones', () => {
    assert.deepEqual(
      eventsOf(render({ id: 'x', note: 1 })).map(({ data }) => data),
      ['{"id":"x","object":"chat.completion.chunk","choices":[],"note":1}', '[DONE]'],
    )
    const [first, last] = choices(render({ choices: ['noise', { message: 'noise' }] }))
    const delta = { role: 'assistant', content: null }
    assert.deepEqual(first, { index: 1, delta, logprobs: null, finish_reason: null })
    assert.deepEqual(last, { index: 1, delta: {}, logprobs: null, finish_reason: null })
  })
})
