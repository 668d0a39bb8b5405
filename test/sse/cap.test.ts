import assert from 'node:assert/strict'
import { everyCut } from '../support/split.ts'
import { type Event, read } from './collect.ts'

const CAP = 20
const a: Event = ['a', '']

/** A body, whether it passes the cap, and the events before that. A data line of 14 characters has 20 units. */
const cases: [what: string, body: string, tooLarge: boolean, events: Event[]][] = [
  ['a line of just the cap', `data: a\n\ndata: ${'x'.repeat(14)}\n\n`, false, [a, ['x'.repeat(14), '']]],
  ['a line of one more', `data: a\n\ndata: ${'x'.repeat(15)}\n\ndata: b\n\n`, true, [a]],
  ['a line of one more that never ends', `data: a\n\ndata: ${'x'.repeat(15)}`, true, [a]],
  ['a line of one more with CRLF', `data: a\r\n\r\ndata: ${'x'.repeat(15)}\r\n\r\n`, true, [a]],
  ['lines that reach the cap together', `data: xxxxxxxx\ndata: yyyyyy\n\n`, false, [['xxxxxxxx\nyyyyyy', '']]],
  ['lines that pass the cap together', `data: a\n\ndata: xxxxxxxx\ndata: yyyyyyy\n\n`, true, [a]],
  ['empty lines that pass the cap by their joints', `data: a\n\n${'data\n'.repeat(19)}\n`, true, [a]],
  ['a comment over the cap', `data: a\n\n: ${'x'.repeat(19)}\n\n`, true, [a]],
  ['a name over the cap', `data: a\n\nevent: ${'x'.repeat(14)}\n\n`, true, [a]],
  ['many events under the cap', 'data: a\n\n'.repeat(9), false, Array.from({ length: 9 }, () => a)],
  ['many comments under the cap', `${': waiting\n\n'.repeat(9)}data: a\n\n`, false, [a]],
  [
    'characters of three bytes that fill the cap',
    `data: ${'世'.repeat(4)}xx\n\n`,
    false,
    [[`${'世'.repeat(4)}xx`, '']],
  ],
  ['characters of three bytes that pass it', `data: a\n\ndata: ${'世'.repeat(5)}\n\n`, true, [a]],
]

describe('the cap on one event', () => {
  for (const [what, body, tooLarge, events] of cases) {
    it(`${tooLarge ? 'refuses' : 'admits'} ${what}, wherever the bytes are cut`, () => {
      const failure = tooLarge ? 'upstream_too_large' : undefined
      for (const chunks of everyCut(Buffer.from(body))) {
        assert.deepEqual(read(chunks, CAP), { events, failure }, `cut into ${chunks.map((chunk) => chunk.length)}`)
      }
    })
  }
})
