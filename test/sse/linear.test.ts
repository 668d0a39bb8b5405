import assert from 'node:assert/strict'
import { createParser } from '../../src/sse/parse.ts'

/** The characters that the work touched: those searched, compared, or copied by a join. */
interface Work {
  characters: number
}

/**
 * Counts what the parser asks of strings while `run` runs, by standing in for the built-in functions that it uses.
 * A clock would say the same less surely: quadratic work on a small input is hidden by noise.
 */
function counting(run: () => void): Work {
  const work = { characters: 0 }
  const { indexOf, charCodeAt, startsWith } = String.prototype
  const { join } = Array.prototype
  String.prototype.indexOf = function (this: string, sought: string, from = 0) {
    const found = indexOf.call(this, sought, from)
    work.characters += (found === -1 ? this.length : found + 1) - from
    return found
  }
  String.prototype.charCodeAt = function (this: string, at: number) {
    work.characters++
    return charCodeAt.call(this, at)
  }
  String.prototype.startsWith = function (this: string, sought: string, at?: number) {
    work.characters += sought.length
    return startsWith.call(this, sought, at)
  }
  Array.prototype.join = function (this: unknown[], separator?: string) {
    const joined = join.call(this, separator)
    work.characters += joined.length
    return joined
  }
  try {
    run()
  } finally {
    Object.assign(String.prototype, { indexOf, charCodeAt, startsWith })
    Object.assign(Array.prototype, { join })
  }
  return work
}

function workOf(texts: Iterable<string>): number {
  let received = 0
  const parser = createParser((data) => (received += data.length), { maxEventBytes: 10_000_000 })
  const { characters } = counting(() => {
    for (const text of texts) parser.push(text)
    parser.end()
  })
  assert.ok(received > 0, 'the events came through')
  return characters
}

const SIZE = 200_000

/** Inputs that make a careless parser search or copy the same characters again and again. */
const hostile: [what: string, texts: () => Iterable<string>][] = [
  ['one large event, character by character', () => `data: ${'x'.repeat(SIZE)}\n\n`],
  ['one large event in small pieces', () => chunks(`data: ${'x'.repeat(SIZE)}\n\n`, 100)],
  ['many data lines of one event, character by character', () => `${'data: x\n'.repeat(SIZE / 8)}\n`],
  ['many empty data lines in one piece', () => [`${'data\n'.repeat(SIZE / 5)}\n`]],
  ['many lines with LF and one CR at the very end', () => [`${'data: x\n\n'.repeat(SIZE / 9)}\r`]],
  ['many lines with CR and one LF at the very end', () => [`${'data: x\r\r'.repeat(SIZE / 9)}\n`]],
  ['many small events in one piece', () => ['data: x\n\n'.repeat(SIZE / 9)]],
  ['one large comment, character by character', () => `: ${'x'.repeat(SIZE)}\ndata: x\n\n`],
]

function* chunks(text: string, length: number): Generator<string> {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length)
}

describe('the work of parsing', () => {
  for (const [what, texts] of hostile) {
    it(`grows with the length and not faster: ${what}`, () => {
      const perCharacter = workOf(texts()) / SIZE
      assert.ok(perCharacter < 12, `touched each character ${perCharacter.toFixed(1)} times`)
    })
  }
})
