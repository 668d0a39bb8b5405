import assert from 'node:assert/strict'
import { createParser as createOtherParser } from 'eventsource-parser'
import fc from 'fast-check'
import { createParser } from '../../src/sse/parse.ts'
import { comment, event } from '../../src/sse/write.ts'
import { cutAtRandom, cutPerByte, seededRandom } from '../support/split.ts'
import { type Event, read } from './collect.ts'

/** Text in which everything that means something to the format is frequent. */
const pieces = [
  'data',
  'event',
  'id',
  'retry',
  ':',
  ': ',
  ' ',
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\uFEFF',
  '\0',
  'x',
  'é',
  '世',
  '😀',
]
const lines = ['data: {"a":1}\n\n', 'data: a\n', 'data:b\r\n', 'event: ping\n', ': comment\n', 'id: 1\r', 'data\n']
const streams = fc.array(fc.constantFrom(...pieces, ...lines), { maxLength: 40 }).map((parts) => parts.join(''))

function readText(texts: readonly string[]): Event[] {
  const events: Event[] = []
  const parser = createParser((data, name) => events.push([data, name]), { maxEventBytes: 1_000_000 })
  for (const text of texts) parser.push(text)
  parser.end()
  return events
}

/** What eventsource-parser makes of it, but for the two deviations that createParser's comment names. */
function readOtherwise(text: string): Event[] {
  const events: Event[] = []
  const parser = createOtherParser({
    onEvent({ data, event: name }) {
      if (data !== '') events.push([data, name ?? ''])
    },
  })
  parser.feed(text)
  // It waits for the line end and the blank line that our `end` does without.
  parser.feed('\n\n')
  return events
}

describe('parse, for any stream', () => {
  it('the cuts do not matter', () => {
    fc.assert(
      fc.property(streams, fc.nat(), fc.integer({ min: 1, max: 40 }), (text, seed, longest) => {
        const bytes = Buffer.from(text)
        const whole = read([bytes])
        assert.deepEqual(read(cutPerByte(bytes)), whole)
        assert.deepEqual(read(cutAtRandom(bytes, seededRandom(seed), longest)), whole)
      }),
    )
  })

  it('the cuts do not matter for the cap either', () => {
    fc.assert(
      fc.property(streams, fc.nat(), fc.integer({ min: 1, max: 30 }), (text, seed, cap) => {
        const bytes = Buffer.from(text)
        const whole = read([bytes], cap)
        assert.deepEqual(read(cutPerByte(bytes), cap), whole)
        assert.deepEqual(read(cutAtRandom(bytes, seededRandom(seed), 9), cap), whole)
      }),
    )
  })

  it('another parser reads the same events', () => {
    fc.assert(
      fc.property(streams, (text) => {
        assert.deepEqual(readText([text]), readOtherwise(text))
      }),
      { numRuns: 1000 },
    )
  })

  it('what is written is read, with every line end become LF', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom(...pieces) })), (texts) => {
        const body = texts.map((text) => event(text) + comment(text)).join('')
        const expected = texts.map((text) => text.replaceAll(/\r\n?/g, '\n')).filter((text) => text !== '')
        assert.deepEqual(
          readText([body]),
          expected.map((text) => [text, '']),
        )
      }),
    )
  })
})
