import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Folded } from './folding.ts'
import type { Expected } from './samples.ts'

type Fields = Record<string, unknown>

/** Members of a message that OpenAI has: where the expectation does not name one, there must be none. */
const ofMessage = ['content', 'refusal', 'tool_calls', 'function_call', 'audio', 'annotations']

/** Asserts that a stream came to what is expected of it, in the words of the samples' own key. */
export function assertFolded({ text, error }: Folded, expected: Expected): void {
  if (expected.error) {
    assert.ok(error, `an error was expected, not ${text}`)
    const { messages = [] } = expected
    assert.ok(messages.length === 0 || messages.includes(error.message), error.message)
    return
  }
  assert.equal(error, undefined)
  // Written once more, as the expectations were: that makes -0.0, which the proxy keeps, the 0 that it equals.
  const answer = JSON.parse(JSON.stringify(JSON.parse(text ?? '')))
  if (expected.standard) assertChunked(answer, expected as Required<Expected>)
  else assert.ok(accepted(expected).some((response) => isDeepStrictEqual(answer, response)))
}

/** A terminal event without output may be passed on as it is or filled; the one that was streamed is the better. */
function accepted({ response, acceptResponse }: Expected): unknown[] {
  return acceptResponse ?? [response]
}

function assertChunked(answer: Fields, { standard, accept, extension }: Required<Expected>): void {
  for (const [key, values] of Object.entries(accept)) {
    if (values.length === 0) assert.equal(answer[key] ?? null, null, key)
    else assert.ok(values.includes(answer[key]), `${key} is ${answer[key]}`)
  }
  const rest = Object.entries(standard).filter(([key]) => !Object.hasOwn(accept, key))
  assertMembers(answer, Object.fromEntries(rest), '$')
  assertMembers(answer, extension.top, '$')
  const choices = answer.choices as (Fields & { message: Fields })[]
  for (const [at, wanted] of (standard.choices as { message?: Fields }[]).entries()) {
    for (const key of ofMessage) {
      if (wanted.message && !(key in wanted.message)) assert.equal(choices[at]?.message[key] ?? null, null, key)
    }
  }
  for (const [at, { choice = {}, message = {} }] of Object.entries(extension.choices)) {
    assertMembers(choices[Number(at)], choice, `$.choices[${at}]`)
    assertMembers(choices[Number(at)]?.message, message, `$.choices[${at}].message`)
  }
}

/** Asserts the members that are wanted, to any depth; others may be there. Lists must have the same length. */
function assertMembers(value: unknown, wanted: unknown, path: string): void {
  if (wanted === null || typeof wanted !== 'object') {
    assert.equal(value ?? null, wanted, path)
    return
  }
  assert.ok(typeof value === 'object' && value !== null, path)
  if (Array.isArray(wanted)) assert.equal((value as unknown[]).length, wanted.length, path)
  for (const [key, member] of Object.entries(wanted)) assertMembers(Reflect.get(value, key), member, `${path}.${key}`)
}
