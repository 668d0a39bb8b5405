import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { ResponseFold } from '../../src/openai/response-events.ts'
import { bytesOf } from '../../src/sse/bytes.ts'

function folding(...events: object[]): ResponseFold {
  const fold = new ResponseFold(10_000)
  for (const event of events) fold.pushBytes(bytesOf(Buffer.from(JSON.stringify(event))), '')
  return fold
}

const usage = { input_tokens: 7, output_tokens: 3, output_tokens_details: { reasoning_tokens: 2 } }
const response = { id: 'resp_1', model: 'm', status: 'incomplete', output: [{ type: 'message', text: 'é世' }], usage }

describe('folding the events of a response', () => {
  it('is done and whole with the terminal event, and not before', () => {
    const begun = folding({ type: 'response.created', response: { ...response, status: 'in_progress' } })
    assert.deepEqual([begun.done, begun.whole], [false, false])
    assert.throws(
      () => begun.finish(),
      (error) => error instanceof ProxyError && error.code === 'upstream_truncated',
    )
    const done = folding({ type: 'response.incomplete', response })
    assert.deepEqual([done.done, done.whole], [true, true])
    assert.equal(done.finish(), JSON.stringify(response))
  })

  it('tells who answered, how it ended and what it cost', () => {
    assert.deepEqual(folding({ type: 'response.incomplete', response }).summary(), {
      id: 'resp_1',
      model: 'm',
      finishReasons: ['incomplete'],
      usage: { input: 7, output: 3, cached: 0, reasoning: 2 },
    })
    assert.deepEqual(folding().summary(), { finishReasons: [], usage: undefined })
    assert.deepEqual(folding({ type: 'response.completed', response: {} }).summary().finishReasons, [])
  })

  for (const event of [
    { type: 'response.failed', response: { ...response, status: 'failed', error: { code: 'server_error' } } },
    { type: 'response.completed', response: { ...response, status: 'failed', error: { code: 'server_error' } } },
  ]) {
    it(`tells what it cost also where it failed, as ${event.type} says`, () => {
      const fold = folding()
      assert.throws(() => fold.push(JSON.stringify(event), ''), ProxyError)
      assert.deepEqual(fold.summary().usage, { input: 7, output: 3, cached: 0, reasoning: 2 })
      assert.deepEqual(fold.summary().finishReasons, ['failed'])
      assert.equal(fold.whole, false)
    })
  }

  it('counts an item once that comes on the way and in the response at its end', () => {
    const item = { id: 'i', type: 'message', text: 'x'.repeat(6000) }
    const fold = folding(
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { output: [item] } },
    )
    assert.equal(fold.finish(), JSON.stringify({ output: [item] }))
  })

  it('counts the items that only came on the way', () => {
    const item = { type: 'message', text: 'x'.repeat(4000) }
    const event = { type: 'response.output_item.done', item }
    assert.throws(
      () => folding(event, event, { type: 'response.completed', response: { output: [], x: 'x'.repeat(3000) } }),
      (error) => error instanceof ProxyError && error.code === 'upstream_too_large',
    )
  })

  it('counts a text once that comes in pieces and then as a whole, again and again', () => {
    const text = 'x'.repeat(6000)
    const part = { type: 'output_text', text }
    const item = { id: 'i', type: 'message', content: [part] }
    const fold = folding(
      ...[0, 1, 2].map((at) => ({ type: 'response.output_text.delta', delta: text.slice(at * 2000, (at + 1) * 2000) })),
      { type: 'response.output_text.done', text },
      { type: 'response.content_part.done', part },
      { type: 'response.output_item.done', item },
      { type: 'response.completed', response: { output: [item] } },
    )
    assert.equal(fold.finish(), JSON.stringify({ output: [item] }))
  })

  it('counts pieces that come without end', () => {
    const event = { type: 'response.output_text.delta', item_id: 'i', output_index: 0, delta: 'x'.repeat(1000) }
    assert.throws(
      () => folding(...Array(11).fill(event)),
      (error) => error instanceof ProxyError && error.code === 'upstream_too_large',
    )
  })

  it('takes an error for one that stands beside a piece like the last one', () => {
    const event = { type: 'response.output_text.delta', item_id: 'i', output_index: 0, delta: 'x' }
    assert.throws(
      () => folding(event, event, { ...event, error: { message: 'no' } }),
      (error) => error instanceof ProxyError && error.code === 'upstream_error',
    )
  })

  it('leaves an item out whose event came without it', () => {
    const fold = folding(
      { type: 'response.output_item.done', output_index: 0, item: 'none' },
      { type: 'response.completed', response: { output: [] } },
    )
    assert.equal(fold.finish(), '{"output":[]}')
  })

  it('takes a failed response without its object for a failure', () => {
    assert.throws(
      () => folding({ type: 'response.failed' }),
      (error) => error instanceof ProxyError && error.code === 'upstream_error',
    )
  })
})
