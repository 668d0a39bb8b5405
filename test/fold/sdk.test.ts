import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import { seededRandom } from '../support/split.ts'
import { type Choice, choice, cutterOf, deltasOf, ending, envelope, fragmentsOf } from './choices.ts'
import { answerOf } from './folding.ts'

type Fields = Record<string, unknown>

/** What the official SDK makes of the chunks. */
async function accumulate(chunks: readonly Fields[]): Promise<unknown> {
  const lines = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join('')
  const stream = ChatCompletionStream.fromReadableStream(ReadableStream.from([Buffer.from(lines)]))
  return await stream.finalChatCompletion()
}

/** The SDK leaves out what is undefined, and adds `parsed` for its own users. */
function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value) => (key.startsWith('parsed') ? undefined : value))
}

const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, prompt_tokens_details: { cached_tokens: 0 } }

/** Members of a delta that only one or the other of OpenAI's models sends. */
const special: fc.Arbitrary<Fields[]> = fc.oneof(
  fc.constant<Fields[]>([]),
  fc
    .array(fc.string({ maxLength: 5 }), { minLength: 1 })
    .map((pieces): Fields[] => [
      { delta: { function_call: { name: 'dial', arguments: '' } } },
      ...pieces.map((piece) => ({ delta: { function_call: { arguments: piece } } })),
    ]),
  fc
    .array(fc.string({ maxLength: 5 }), { minLength: 1 })
    .map((pieces): Fields[] => [
      { delta: { audio: { id: 'audio_1' } } },
      ...pieces.map((piece) => ({ delta: { audio: { data: piece, transcript: piece.slice(1) } } })),
      { delta: { audio: { expires_at: 1_720_000_000 } } },
    ]),
)

/** The SDK loses the reasoning and what stands beside a legacy function call: these are compared elsewhere. */
function within(one: Choice, extra: Fields[]): Choice {
  const called = extra.some(({ delta }) => 'function_call' in (delta as Fields))
  return { ...one, reasoning: '', ...(called ? { calls: [], refusal: '' } : {}) }
}

function chunksOf(all: readonly Choice[], extra: Fields[], seed: number): Fields[] {
  const random = seededRandom(seed)
  const cut = cutterOf(random)
  const pieces = all.flatMap((each, index) => {
    const bare = deltasOf({ ...each, calls: [] }, cut)
    const calls = each.calls.flatMap((call, at) => fragmentsOf(call, at, cut))
    return [...bare, ...(index === 0 ? extra : []), ...calls].map((piece) => ({ index, logprobs: null, ...piece }))
  })
  return [
    ...pieces.map((piece) => ({ ...envelope, system_fingerprint: 'fp', service_tier: 'default', choices: [piece] })),
    ...all.map((each, index) => ending(each.finish, index)),
    { ...envelope, choices: [], usage },
  ]
}

describe('the official SDK accumulates the same answer', () => {
  it("from any stream of OpenAI's own members", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { minLength: 1, maxLength: 3 }),
        special,
        fc.integer(),
        async (all, extra, seed) => {
          const chunks = chunksOf(
            all.map((one) => within(one, extra)),
            extra,
            seed,
          )
          assert.deepEqual(comparable(answerOf(chunks)), comparable(await accumulate(chunks)))
        },
      ),
      { numRuns: 300 },
    )
  })
})
