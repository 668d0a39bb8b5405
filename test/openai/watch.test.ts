import assert from 'node:assert/strict'
import { responses } from '../../src/openai/responses.ts'
import { Watch } from '../../src/openai/watch.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { chunk, saying, usageChunk } from '../support/chunks.ts'

type Event = object | string
type Told = Event | [name: string, event: Event]

function watching(...events: Told[]): Watch {
  return show(new Watch(), events)
}

function show(watch: Watch, events: readonly Told[]): Watch {
  for (const told of events) {
    const [name, event] = Array.isArray(told) ? told : ['', told]
    watch.see(bytesOf(Buffer.from(typeof event === 'string' ? event : JSON.stringify(event))), name)
  }
  return watch
}

const counts = { input: 3, output: 2, cached: 0, reasoning: 0 }
const response = (status: string, rest: object = {}) => ({ id: 'resp_1', model: 'm', status, ...rest })
const responseUsage = { usage: { input_tokens: 3, output_tokens: 2 } }

describe('watching a stream that is passed through', () => {
  it('sees who answered, why it ended and what it cost', () => {
    const watch = watching(...saying('on', 'e'), usageChunk(), '[DONE]')
    assert.ok(watch.done && watch.whole)
    assert.deepEqual(watch.summary(), { id: 'chatcmpl-1', model: 'gpt-test', finishReasons: ['stop'], usage: counts })
  })

  it('is whole without [DONE] once every choice has its reason, and not before', () => {
    const first = chunk({ content: 'a' })
    const second = chunk({ content: 'b' }, { index: 1 })
    assert.ok(!watching().whole)
    assert.ok(!watching(first).whole)
    assert.ok(!watching(first, second, chunk({}, { finish: 'stop' })).whole)
    assert.ok(watching(first, second, chunk({}, { finish: 'stop' }), chunk({}, { finish: 'length', index: 1 })).whole)
  })

  it('knows the last of several reasons, though they differ in one string only', () => {
    const ending = (reason: string) => ({ choices: [{ index: 0, finish_reason: reason }] })
    assert.deepEqual(watching(...['a', 'b', 'c'].map(ending)).summary().finishReasons, ['c'])
  })

  it('takes the last real counts, wherever they stand', () => {
    const usageOf = (...events: Event[]) => watching(...events).summary().usage
    assert.equal(usageOf(chunk({ content: 'a' })), undefined)
    assert.deepEqual(usageOf(usageChunk(9, 9), usageChunk(), { choices: [], usage: null }, { usage: {} }), counts)
    assert.deepEqual(usageOf({ x_groq: { usage: { prompt_tokens: 3, completion_tokens: 2 } } }), counts)
    assert.equal(usageOf({ x_groq: 'none' }), undefined)
    const inChoice = (usage: object) => ({ choices: [{ index: 0, finish_reason: 'stop', usage }] })
    assert.deepEqual(usageOf(inChoice({ prompt_tokens: 3, completion_tokens: 2 }), inChoice({})), counts)
    assert.deepEqual(usageOf(usageChunk(), inChoice({ prompt_tokens: 9 })), counts)
  })

  it('keeps the first error and lets everything pass', () => {
    const watch = watching(chunk({ content: 'a' }), { error: { message: 'first', code: 429 } }, { error: 'second' })
    assert.equal(watch.trouble?.message, 'first')
    assert.equal(watch.trouble?.status, 429)
    assert.ok(!watch.whole)
  })

  it('takes an event named error for one, however much it is like the one before', () => {
    assert.equal(watching(chunk({ content: 'a' }), ['error', chunk({ content: 'b' })]).trouble?.code, 'upstream_error')
  })

  it('takes the errors of other APIs, and those in words or in a list, for errors', () => {
    const half = chunk({ content: 'a' })
    assert.equal(watching(half, { code: 20012, message: 'gone', data: null }).trouble?.message, 'gone')
    assert.equal(watching(half, '[{"error":{"message":"full","code":503}}]').trouble?.status, 503)
    assert.equal(watching(half, ['error', 'worker crashed']).trouble?.message, 'worker crashed')
    assert.equal(watching(half, 'worker crashed').trouble, undefined)
  })

  it('passes over what it cannot read', () => {
    const watch = watching('not json', '[1]', 'null', { choices: 'none' }, { choices: [null, 7] }, ...saying('a'))
    assert.equal(watch.trouble, undefined)
    assert.ok(watch.whole)
  })

  it('looks at nothing behind [DONE]', () => {
    const watch = watching(...saying('a'), '[DONE]', { error: 'late' }, usageChunk())
    assert.equal(watch.trouble, undefined)
    assert.equal(watch.summary().usage, undefined)
  })

  it('remembers a bounded number of choices', () => {
    const watch = new Watch()
    for (let index = 0; index < 5000; index++) {
      watch.see(JSON.stringify({ choices: [{ index, finish_reason: index % 2 ? 'stop' : null }] }), '')
    }
    assert.equal(watch.summary().finishReasons.length, 512)
  })

  for (const [type, status] of [
    ['response.completed', 'completed'],
    ['response.incomplete', 'incomplete'],
    ['response.cancelled', 'cancelled'],
    ['response.done', 'completed'],
  ] as const) {
    it(`takes ${type} for the end of a response`, () => {
      const watch = watching({ type, response: response(status, responseUsage) })
      assert.ok(watch.done && watch.whole)
      assert.deepEqual(watch.summary(), { id: 'resp_1', model: 'm', finishReasons: [status], usage: counts })
    })
  }

  it('takes a response that has only begun for neither whole nor done', () => {
    const watch = watching({ type: 'response.created', response: response('in_progress', { usage: null }) })
    assert.ok(!watch.done && !watch.whole)
    assert.equal(watch.summary().id, 'resp_1')
  })

  it('takes neither [DONE] nor a reason for the end of a response, since its last event holds the answer', () => {
    const begun = { type: 'response.created', response: response('in_progress') }
    const delta = { type: 'response.output_text.delta', delta: 'a' }
    for (const end of ['[DONE]', chunk({}, { finish: 'stop' })]) {
      const watch = show(new Watch(responses), [begun, delta, end])
      assert.ok(!watch.done && !watch.whole)
      show(watch, [{ type: 'response.completed', response: response('completed') }, '[DONE]'])
      assert.ok(watch.done && watch.whole)
    }
  })

  it('sees why a response failed, or that it did', () => {
    for (const type of ['response.failed', 'response.done']) {
      const failed = (error: object | null) => ({ type, response: response('failed', { error }) })
      assert.equal(watching(failed({ code: 'rate_limit_exceeded', message: 'slow' })).trouble?.status, 429)
      assert.equal(watching(failed(null)).trouble?.code, 'upstream_error')
    }
  })

  it("reads a response's type from the event's name where the data has none", () => {
    assert.ok(watching(['response.completed', { response: { id: 'r' } }]).done)
  })
})
