import assert from 'node:assert/strict'
import { everyCut } from '../support/split.ts'
import { type ExpectedError, type Fixture, fixtures } from './fixtures.ts'
import { describeError, type Folded, foldChunks } from './folding.ts'

function assertExpected({ answer, text, error }: Fixture, folded: Folded, how: string): void {
  if (error) {
    assert.ok(folded.error, `an error was expected, ${how}, not ${folded.text}`)
    assertError(folded.error.toJSON().error, error)
    assert.equal(folded.error.code, error.code, how)
    assert.equal(folded.error.status, error.status, how)
    assert.equal(folded.error.details.retryAfter, error.retryAfter, how)
    return
  }
  assert.equal(folded.error, undefined, how)
  if (text === undefined) assert.deepEqual(JSON.parse(folded.text ?? ''), answer, how)
  else assert.equal(folded.text, text, how)
}

function assertError(shown: object, { message, type, openaiCode, param }: ExpectedError): void {
  const wanted = { message, type, code: openaiCode, param }
  for (const [key, value] of Object.entries(wanted)) {
    if (value !== undefined) assert.equal(Reflect.get(shown, key), value, key)
  }
}

describe('a stream becomes the answer that OpenAI would have sent without streaming', () => {
  for (const fixture of fixtures) {
    it(`${fixture.name}: ${fixture.shows}`, () => {
      let first: Folded | undefined
      for (const chunks of everyCut(fixture.body)) {
        const folded = foldChunks(fixture.api, chunks)
        // Parsing the answer for every cut would take most of the time, and say nothing that its text does not.
        if (first) assertSame(folded, first, `cut into chunks of ${chunks.map((chunk) => chunk.length)} bytes`)
        else assertExpected(fixture, folded, 'uncut')
        first ??= folded
      }
    })
  }
})

function assertSame(folded: Folded, first: Folded, how: string): void {
  assert.equal(folded.text, first.text, how)
  assert.equal(folded.error === undefined, first.error === undefined, how)
  if (folded.error && first.error) assert.deepEqual(describeError(folded.error), describeError(first.error), how)
}
