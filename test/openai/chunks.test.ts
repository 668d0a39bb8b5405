import assert from 'node:assert/strict'
import { ProxyError } from '../../src/errors.ts'
import { finishChat } from '../../src/fold/finish.ts'
import { ChunkFold } from '../../src/openai/chunks.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { chunk, said, saying, usageChunk } from '../support/chunks.ts'

function folding(...events: (object | string)[]): ChunkFold {
  const fold = new ChunkFold(10_000, finishChat)
  for (const event of events) {
    const text = typeof event === 'string' ? event : JSON.stringify(event)
    fold.pushBytes(bytesOf(Buffer.from(text)), '')
  }
  return fold
}

function failure(work: () => unknown): ProxyError {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof ProxyError) return thrown
    throw thrown
  }
  assert.fail('nothing was thrown')
}

describe('folding chunks', () => {
  it('is done at [DONE], and whole before that when every choice has its reason', () => {
    const begun = folding(chunk({ content: 'a' }))
    assert.deepEqual([begun.done, begun.whole], [false, false])
    const finished = folding(...saying('a'))
    assert.deepEqual([finished.done, finished.whole], [false, true])
    const done = folding(chunk({ content: 'a' }), '[DONE]')
    assert.deepEqual([done.done, done.whole], [true, true])
  })

  it('is neither when nothing has come', () => {
    const fold = folding()
    assert.deepEqual([fold.done, fold.whole], [false, false])
    assert.equal(failure(() => fold.finish()).code, 'upstream_truncated')
  })

  it('refuses [DONE] after nothing at once, so that another upstream can be asked', () => {
    assert.equal(failure(() => folding('[DONE]')).code, 'upstream_truncated')
    assert.equal(failure(() => folding(usageChunk(), '[DONE]')).code, 'upstream_truncated')
  })

  it('will not finish before the answer is whole', () => {
    assert.equal(failure(() => folding(chunk({ content: 'a' })).finish()).code, 'upstream_truncated')
  })

  it('reads text and bytes alike, and nothing after [DONE]', () => {
    const fold = folding()
    for (const event of [...saying('né', 'e “世”'), '[DONE]', 'rubbish']) {
      fold.push(typeof event === 'string' ? event : JSON.stringify(event), '')
    }
    assert.deepEqual(JSON.parse(fold.finish()), said('née “世”'))
    assert.equal(folding(...saying('né', 'e “世”'), '[DONE]', 'rubbish').finish(), fold.finish())
  })

  it('tells who answered, why each choice ended, and what it cost', () => {
    const fold = folding(
      chunk({ content: 'a' }, { index: 1, finish: 'length' }),
      ...saying('b'),
      chunk({ content: 'c' }, { index: 2 }),
      usageChunk(),
    )
    const usage = { input: 3, output: 2, cached: 0, reasoning: 0 }
    const finishReasons = ['stop', 'length']
    assert.deepEqual(fold.summary(), { id: 'chatcmpl-1', model: 'gpt-test', finishReasons, usage })
    assert.deepEqual(folding().summary(), { finishReasons: [], usage: undefined })
  })

  it('finds the counts in x_groq where they stand nowhere else', () => {
    const groq = { x_groq: { usage: { prompt_tokens: 5, completion_tokens: 1 } } }
    assert.equal(folding(groq).summary().usage?.input, 5)
    assert.equal(folding(groq, usageChunk()).summary().usage?.input, 3)
    assert.equal(folding({ choices: [], usage: {} }, groq).summary().usage?.input, 5)
    assert.equal(folding({ x_groq: { id: 'r' } }, { x_groq: null }).summary().usage, undefined)
  })

  it('finds the counts in a choice where they stand nowhere else', () => {
    const ending = { choices: [{ index: 0, finish_reason: 'stop', usage: { prompt_tokens: 5, completion_tokens: 1 } }] }
    assert.equal(folding(ending).summary().usage?.input, 5)
    assert.equal(folding(usageChunk(), ending).summary().usage?.input, 3)
  })

  it('keeps the counts that stand beside an error, and nothing else of it', () => {
    const fold = folding(chunk({ content: 'a' }))
    const error = { message: 'Provider went away', code: 502 }
    const told = { ...chunk({}, { finish: 'error' }), ...usageChunk(9, 4), model: 'other', error }
    assert.equal(failure(() => fold.push(JSON.stringify(told), '')).message, 'Provider went away')
    const usage = { input: 9, output: 4, cached: 0, reasoning: 0 }
    assert.deepEqual(fold.summary(), { id: 'chatcmpl-1', model: 'gpt-test', finishReasons: [], usage })
  })

  it('does not quote an event that it cannot read, not even in the cause that is logged', () => {
    const error = failure(() => folding('{"content":"a secret'))
    assert.equal(error.code, 'upstream_invalid')
    assert.equal(error.cause, undefined)
    assert.ok(!String(error.stack).includes('secret'))
  })
})
