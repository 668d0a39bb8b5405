/**
 * Looks for streams that make the fold crash, throw anything but a ProxyError, give another answer when they are cut
 * differently or when every event is parsed, or give something that is no answer of the API:
 * `node test/fuzz/fold.fuzz.ts --seconds 60 --seed 1`. A failure prints its own seed, under which it is the first case of
 * a new run, and the body; the exit code is then 1.
 */
import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import { sniff } from '../../src/sse/sniff.ts'
import { fixtures } from '../fold/fixtures.ts'
import { type ApiName, CAP, foldChunks } from '../fold/folding.ts'
import { foldPlainly } from '../fold/plainly.ts'
import { read } from '../sse/collect.ts'
import { cutAtRandom, cutPerByte, seededRandom } from '../support/split.ts'
import { below, makeStream, pick, type Random } from './chunks.ts'

interface Case {
  api: ApiName
  body: Buffer
  cap: number
}

/** Longer than the slowest machine takes for a body of a few kilobytes, if the work is linear. */
const SLOW_MS = 5000

function makeCase(random: Random): Case {
  const api = pick<ApiName>(random, ['chat', 'chat', 'chat', 'completions', 'responses'])
  const own = fixtures.filter((fixture) => fixture.api === api && fixture.body.length > 0)
  let body = makeStream(random() < 0.9 ? own : fixtures, random)
  if (random() < 0.2) body = body.subarray(0, below(random, body.length))
  if (random() < 0.1 && body.length > 0) {
    body = Buffer.from(body)
    body[below(random, body.length)] = below(random, 256)
  }
  return { api, body, cap: random() < 0.1 ? below(random, 500) : CAP }
}

/** The answer's text, or the code of the error. */
function fold({ api, cap }: Case, chunks: Buffer[]): string {
  const { text, error } = foldChunks(api, chunks, cap)
  return text ?? (error?.code as string)
}

function check(tried: Case, random: Random): void {
  const { api, body, cap } = tried
  // Plain JSON, or what is neither, is not folded.
  if (sniff(body) !== 'sse') return
  const result = fold(tried, [body])
  assert.equal(fold(tried, cutAtRandom(body, random, 1 + below(random, 60))), result, 'cut at random')
  if (body.length < 3000) assert.equal(fold(tried, cutPerByte(body)), result, 'cut to bytes')
  if (result.startsWith('{')) assertAnswer(api, JSON.parse(result))
  assert.equal(Reflect.get({}, 'index'), undefined, 'a prototype was changed')
  // A last event that was cut is not judged.
  if (api === 'responses' || !/(\n\n|\r\n\r\n|\r\r)$/.test(body.toString('latin1'))) return
  assert.equal(result, foldPlainly(api, read([body]).events, cap), 'every event parsed')
}

function assertAnswer(api: ApiName, answer: Record<string, unknown>): void {
  if (api === 'responses') return
  const { object, choices } = answer as { object: string; choices: Record<string, unknown>[] }
  assert.equal(object, api === 'chat' ? 'chat.completion' : 'text_completion')
  assert.ok(choices.length > 0)
  let last = -1
  for (const choice of choices) {
    assert.ok((choice.index as number) > last, 'choices are in order')
    last = choice.index as number
    for (const name of ['logprobs', 'finish_reason', api === 'chat' ? 'message' : 'text'])
      assert.ok(name in choice, name)
    if (api === 'chat') assertMessage(choice.message as Record<string, unknown>)
  }
}

function assertMessage(message: Record<string, unknown>): void {
  for (const name of ['role', 'content', 'refusal']) assert.ok(name in message, name)
  for (const call of (message.tool_calls ?? []) as Record<string, unknown>[]) {
    assert.ok(typeof call.type === 'string' && !('index' in call))
  }
}

function report(seed: number, { api, body, cap }: Case, thrown: unknown): never {
  console.error(`--seed ${seed} failed; ${api}, cap ${cap}, body:`)
  console.error(body.toString())
  console.error(thrown)
  process.exit(1)
}

function fuzz(seconds: number, firstSeed: number): number {
  const until = performance.now() + seconds * 1000
  let seed = firstSeed
  for (; performance.now() < until; seed++) {
    const random = seededRandom(seed)
    const tried = makeCase(random)
    const start = performance.now()
    try {
      check(tried, random)
      assert.ok(performance.now() - start < SLOW_MS, 'it took too long')
    } catch (thrown) {
      report(seed, tried, thrown)
    }
  }
  return seed - firstSeed
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})
const cases = fuzz(Number(values.seconds), Number(values.seed))
console.log(`${cases} streams from seed ${values.seed}, nothing found`)
