import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { JsonObject } from '../../src/fold/record.ts'
import { completions } from '../../src/openai/completions.ts'
import { renderCompletion } from '../../src/openai/render-completions.ts'
import { chunksOf, clientOf, foldOf } from './rendered.ts'

const identity = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'm' }
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }

interface Choice {
  text: string
  index: number
  logprobs: { tokens?: string[]; token_logprobs?: (number | null)[] } | null
  finish_reason: string | null
}

const choices = (body: string) => chunksOf(body).flatMap((chunk) => chunk.choices as Choice[])

function answer(choice: JsonObject): JsonObject {
  return { ...identity, choices: [{ text: '', index: 0, logprobs: null, finish_reason: 'stop', ...choice }] }
}

const token = fc.string({ unit: 'binary', maxLength: 20 })

/** Lists as OpenAI gives them: all as long as the tokens, the first log probability null where the prompt is echoed. */
const logprobs = fc.array(token, { maxLength: 40, size: 'max' }).map((tokens) => ({
  tokens,
  token_logprobs: tokens.map((_, at) => (at === 0 ? null : -at)),
  top_logprobs: tokens.map((one) => ({ [`_${one}`]: -1 })),
  text_offset: tokens.map((_, at) => at),
}))
const choice = fc
  .record({
    logprobs: fc.option(logprobs),
    text: fc.string({ unit: 'binary', maxLength: 400, size: 'max' }),
    spelled: fc.boolean(),
  })
  .map(({ spelled, text, logprobs: lists }) => ({
    text: spelled && lists ? lists.tokens.join('') : text,
    logprobs: lists,
    finish_reason: 'length',
  }))
const answers = fc.array(choice, { minLength: 1, maxLength: 3 }).map((made): JsonObject => {
  const numbered = made.map((one, index) => ({ index, ...one }))
  return JSON.parse(JSON.stringify({ ...identity, choices: numbered, usage }))
})

describe('rendering a legacy completion as a stream', () => {
  it('is folded by this proxy to the answer that it was', () => {
    fc.assert(
      fc.property(answers, (value) => {
        assert.deepEqual(foldOf(completions, renderCompletion(value, { includeUsage: true })), value)
      }),
    )
  })

  it('is read by OpenAI’s own client', async () => {
    const body = renderCompletion({ ...answer({ text: 'x'.repeat(300) }), usage }, { includeUsage: true })
    const stream = await clientOf(body).completions.create({ model: 'm', prompt: '', stream: true })
    const texts: string[] = []
    for await (const chunk of stream) {
      assert.equal(chunk.object, 'text_completion')
      for (const { text } of chunk.choices) texts.push(text)
      if (chunk.choices.length === 0) assert.deepEqual(chunk.usage, usage)
    }
    assert.deepEqual(
      texts.map((text) => text.length),
      [128, 128, 44, 0],
    )
  })

  it('gives each piece of text its part of every list', () => {
    const tokens = Array.from({ length: 300 }, () => 'a')
    const lists = { tokens, token_logprobs: tokens.map((_, at) => -at), top_logprobs: null, text_offset: [0] }
    const body = renderCompletion(answer({ text: tokens.join(''), logprobs: lists }), { includeUsage: false })
    const pieces = choices(body).slice(0, -1)
    assert.equal(pieces.length, 3)
    for (const { text, logprobs: part } of pieces) assert.equal(part?.tokens?.join(''), text)
    assert.equal(pieces[1]?.logprobs?.token_logprobs?.[0], -128)
    assert.deepEqual(
      pieces.map(({ logprobs: part }) => Object.keys(part ?? {}).length),
      [4, 2, 2],
    )
  })

  it('keeps log probabilities without text, and text without tokens', () => {
    for (const lists of [
      { tokens: [], token_logprobs: [] },
      { tokens: null, other: 1 },
    ]) {
      const value = answer({ text: '', logprobs: lists })
      assert.deepEqual(foldOf(completions, renderCompletion(value, { includeUsage: false })), value)
    }
  })

  it('ends each choice with its reason and what a provider adds to it', () => {
    const body = renderCompletion(answer({ text: 'a', finish_reason: 'length', stop_reason: 3 }), {
      includeUsage: false,
    })
    assert.deepEqual(choices(body), [
      { index: 0, text: 'a', logprobs: null, finish_reason: null },
      { index: 0, text: '', logprobs: null, finish_reason: 'length', stop_reason: 3 },
    ])
    assert.ok(body.endsWith('data: [DONE]\n\n'))
  })

  it('takes a choice without text as one that said nothing', () => {
    const body = renderCompletion({ choices: [{}] }, { includeUsage: true })
    assert.deepEqual(chunksOf(body), [
      { object: 'text_completion', choices: [{ index: 0, text: '', logprobs: null, finish_reason: null }] },
    ])
  })
})
