import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sseBody } from '../support/chunks.ts'
import { cutAtRandom, seededRandom } from '../support/split.ts'
import { type Choice, choice, cutterOf, deltasOf, ending, envelope, expectedOf, fragmentsOf } from './choices.ts'
import { answerOf, describeError, type Folded, foldChunks } from './folding.ts'

type Fields = Record<string, unknown>

const seeds = fc.integer()
const choices = fc.array(choice, { minLength: 1, maxLength: 4 })

/** All elements of the lists, those of each list in their order, the lists mixed at random. */
function interleave<T>(lists: readonly T[][], random: () => number): T[] {
  const waiting = lists.map((list) => [...list]).filter((list) => list.length > 0)
  const mixed: T[] = []
  while (waiting.length > 0) {
    const at = Math.floor(random() * waiting.length)
    mixed.push(waiting[at]!.shift()!)
    if (waiting[at]!.length === 0) waiting.splice(at, 1)
  }
  return mixed
}

/** Each choice's chunks, in the order in which they must arrive. */
function streamsOf(all: readonly Choice[], random: () => number): Fields[][] {
  return all.map((each, index) => [
    ...deltasOf(each, cutterOf(random)).map((piece) => ({
      ...envelope,
      choices: [{ index, ...piece, finish_reason: null }],
    })),
    ending(each.finish, index),
  ])
}

function answerFor(all: readonly Choice[]): Fields {
  return { ...envelope, object: 'chat.completion', choices: all.map(expectedOf) }
}

describe('folding is indifferent to what does not matter', () => {
  it('pieces of any length, choices in any order and mixture give the same answer', () => {
    fc.assert(
      fc.property(choices, seeds, (all, seed) => {
        const random = seededRandom(seed)
        const events = interleave(streamsOf(all, random), random)
        assert.deepEqual(answerOf(events), answerFor(all))
      }),
      { numRuns: 500 },
    )
  })

  it('tool calls mixed with each other in any way give the same answer', () => {
    fc.assert(
      fc.property(choice, seeds, (one, seed) => {
        const random = seededRandom(seed)
        const fragments = one.calls.map((each, index) => fragmentsOf(each, index, cutterOf(random)))
        const bare = { ...one, calls: [] }
        const deltas = [...deltasOf(bare, cutterOf(random)), ...interleave(fragments, random)]
        const events = deltas.map((piece) => ({ ...envelope, choices: [{ index: 0, ...piece }] }))
        assert.deepEqual(answerOf([...events, ending(one.finish, 0)]), answerFor([one]))
      }),
      { numRuns: 300 },
    )
  })

  it('several choices in one chunk are as good as a chunk for each', () => {
    fc.assert(
      fc.property(choices, seeds, (all, seed) => {
        const random = seededRandom(seed)
        const streams = streamsOf(all, random)
        const length = Math.max(...streams.map((stream) => stream.length))
        const together = Array.from({ length }, (_, at) => ({
          ...envelope,
          choices: streams.flatMap((stream) => (stream[at]?.choices as Fields[]) ?? []),
        }))
        assert.deepEqual(answerOf(together), answerFor(all))
      }),
    )
  })

  it('what any chunks come to does not depend on where the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(anyChunk, { maxLength: 5 }), seeds, (events, seed) => {
        const body = Buffer.from(sseBody(events, { done: true }))
        const cut = foldChunks('chat', cutAtRandom(body, seededRandom(seed), 30))
        assert.deepEqual(comparable(cut), comparable(foldChunks('chat', [body])))
      }),
      { numRuns: 500 },
    )
  })

  it('any text grows to the same whatever chunks it is divided into, in every field that takes text', () => {
    const path = fc.constantFrom<(piece: string) => Fields>(
      (piece) => ({ delta: { content: piece } }),
      (piece) => ({ delta: { refusal: piece } }),
      (piece) => ({ delta: { audio: { data: piece, transcript: piece } } }),
      (piece) => ({ delta: { function_call: { arguments: piece } } }),
      (piece) => ({ delta: { content: [{ type: 'text', text: piece }] } }),
      (piece) => ({ delta: { reasoning_details: [{ index: 3, type: 't', text: piece }] } }),
      (piece) => ({ delta: { vendor: { deep: { text: piece } } } }),
      (piece) => ({ text: piece }),
    )
    fc.assert(
      fc.property(path, fc.string({ unit: 'binary', minLength: 1 }), seeds, (make, whole, seed) => {
        const fold = (pieces: string[]) =>
          answerOf([...pieces.map((piece) => ({ choices: [{ index: 0, ...make(piece) }] })), ending('stop', 0)])
        assert.deepEqual(fold(cutterOf(seededRandom(seed))(whole).filter(Boolean)), fold([whole]))
      }),
      { numRuns: 500 },
    )
  })
})

function comparable({ text, error }: Folded): unknown {
  return error ? describeError(error) : text
}

const name = fc.constantFrom(
  ...['id', 'index', 'type', 'name', 'role', 'content', 'delta', 'choices', 'tool_calls', 'function', 'custom'],
  ...['arguments', 'logprobs', 'usage', 'message', 'finish_reason', 'error', '__proto__', 'constructor', '', 'x'],
)

/** Any JSON whose names are those that the fold knows, in places where they do not belong. */
const { value: anyValue } = fc.letrec<{ value: unknown; object: Fields }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, -1, 1.5, 2000, '', 'a', 'stop', '0'),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
}))

/** A chunk with choices, in which everything else is chance. */
const anyChunk: fc.Arbitrary<Fields> = fc
  .tuple(
    fc.dictionary(name, anyValue, { maxKeys: 3 }),
    fc.array(anyValue, { maxLength: 3 }),
    fc.dictionary(name, anyValue),
  )
  .map(([top, some, delta]) => ({
    ...top,
    choices: [...some, { index: 0, delta, finish_reason: 'stop' }],
    error: null,
  }))
