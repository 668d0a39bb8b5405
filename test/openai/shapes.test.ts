import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { JsonObject } from '../../src/fold/record.ts'
import { parseEvent } from '../../src/openai/chunks.ts'
import { openingOf, Shapes } from '../../src/openai/shapes.ts'
import { cut } from '../../src/openai/template.ts'
import { Watch } from '../../src/openai/watch.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { CAP, folds } from '../fold/folding.ts'
import { foldPlainly, outcome, type Told } from '../fold/plainly.ts'
import { alikeStream } from './likeness.ts'

const id = fc.stringMatching(/^[ -~]{0,12}$/)
const created = fc.oneof(fc.nat(), fc.constantFrom(0, 1_760_000_000))

/** The events of a stream under another identity. */
function renamed(events: readonly Told[], name: string, at: number): Told[] {
  return events.map(([data, event]) => [
    data.replace('"id":"x"', () => `"id":${JSON.stringify(name)}`).replace('"created":4', `"created":${at}`),
    event,
  ])
}

function foldBytes(events: readonly Told[], cap = CAP): string {
  const fold = folds.chat(cap)
  return outcome(() => {
    for (const [data, name] of events) fold.pushBytes(bytesOf(Buffer.from(data)), name)
    return fold.finish()
  })
}

function eventOf(members: object, top: object = {}): string {
  const choices = [{ index: 0, finish_reason: null, ...members }]
  return JSON.stringify({ id: 'c-1', object: 'chat.completion.chunk', created: 7, model: 'm', choices, ...top })
}

/** Shapes that have seen one event, parsed as a fold would. */
function having(event: string): Shapes {
  const shapes = new Shapes()
  const chunk = parseEvent(event)
  const opening = openingOf(event)
  assert.ok(opening, event)
  shapes.learn(event, chunk, opening, cut(event, chunk))
  return shapes
}

function restOf(event: string): string {
  return event.slice(openingOf(event)?.text.length)
}

describe('what is remembered of other streams', () => {
  it('gives each stream the same answer as parsing all of it', () => {
    const streams = fc.array(fc.tuple(alikeStream, id, created), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(streams, fc.nat(3), (streams, again) => {
        for (let turn = 0; turn <= again; turn++) {
          for (const [events, name, at] of streams) {
            const told = renamed(events, `${name}${turn}`, at + turn).map(
              ([data, event]): Told => [data.toWellFormed(), event],
            )
            assert.equal(foldBytes(told), foldPlainly('chat', told))
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is what another stream’s event says, under whatever opening', () => {
    const shapes = having(eventOf({ delta: { role: 'assistant', content: '' } }))
    const other = eventOf({ delta: { role: 'assistant', content: '' } })
      .replace('c-1', 'another')
      .replace('7', '99')
    assert.deepEqual(openingOf(other)?.identity, { id: 'another', created: 99 })
    const { chunk, template } = shapes.find(restOf(other)) ?? {}
    assert.deepEqual(chunk, {
      model: 'm',
      choices: [{ index: 0, finish_reason: null, delta: { role: 'assistant', content: '' } }],
    })
    assert.equal(template, undefined)
  })

  it('is a template where the event has a text, which is that of the moment', () => {
    const shapes = having(eventOf({ delta: { content: 'first' } }))
    const found = shapes.find(bytesOf(Buffer.from(restOf(eventOf({ delta: { content: 'second “text”' } })))))
    const [choice] = (found?.chunk.choices ?? []) as JsonObject[]
    assert.deepEqual(choice?.delta, { content: 'second “text”' })
    assert.ok(found?.template)
    assert.equal(shapes.find(restOf(eventOf({ delta: { content: 'x' }, finish_reason: 'stop' }))), undefined)
  })

  it('is nothing that could be shared, grow, or be said twice', () => {
    const kept: [string, object, object][] = [
      ['counts', { delta: {} }, { usage: { total_tokens: 1 } }],
      ['a call', { delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: '' } }] } }, {}],
      ['log probabilities', { delta: {}, logprobs: { content: [] } }, {}],
      ['a list', { delta: {}, token_ids: [1] }, {}],
      ['a number that keeps its digits', { delta: {} }, { weight: 1 }],
      ['another id behind the opening', { delta: {} }, {}],
    ]
    for (const [what, members, top] of kept) {
      const event = what.startsWith('another')
        ? eventOf(members).replace('"model"', '"id":"c-2","model"')
        : eventOf(members, top).replace('"weight":1', '"weight":1.0')
      assert.equal(having(event).find(restOf(event)), undefined, what)
    }
  })

  it('is no error, though a stream that was passed on had shown it: each has to be read', () => {
    const troubled: [members: object, top: object][] = [
      [{ delta: { content: 'half' } }, { error: 'overloaded' }],
      [{ delta: { content: 'half' } }, { error: true }],
      [{ delta: { content: 'half' } }, { type: 'error', message: 'overloaded' }],
      [{ delta: { content: 'half' }, error: 'overloaded' }, {}],
      [{ delta: { content: 'half' }, finish_reason: 'stop', error: 'overloaded' }, {}],
      [{ delta: {}, error: 'overloaded' }, {}],
    ]
    for (const [members, top] of troubled) {
      const event = eventOf(members, top)
      const watch = new Watch()
      for (const data of [event, event]) watch.see(data, '')
      assert.equal(foldBytes([event, '[DONE]'].map((data): Told => [data, ''])), 'upstream_error', event)
    }
  })

  it('is no more than a bound, the newest of all', () => {
    const shapes = new Shapes()
    const events = Array.from({ length: 200 }, (_, at) => eventOf({ delta: {} }, { system_fingerprint: `fp-${at}` }))
    for (const event of events) shapes.learn(event, JSON.parse(event), openingOf(event)!, undefined)
    assert.equal(events.filter((event) => shapes.find(restOf(event))).length, 64)
    assert.ok(shapes.find(restOf(events.at(-1) as string)))
  })

  it('does not begin with members in another order, escapes, or what is no chunk', () => {
    for (const data of [
      '{"object":"chat.completion.chunk","id":"c","created":1,',
      '{"id":"a\\"b","object":"chat.completion.chunk","created":1,',
      '{"id":"c","object":"error","created":1,',
      '{"id":"c","object":"chat.completion.chunk","created":1.5,',
      '{"id":"c","object":"chat.completion.chunk","created":12345678901234567890,',
      '{"id": "c","object":"chat.completion.chunk","created":1,',
    ]) {
      assert.equal(openingOf(`${data}"choices":[]}`), undefined, data)
    }
  })
})
