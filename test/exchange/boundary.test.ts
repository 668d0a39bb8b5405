import assert from 'node:assert/strict'
import fc from 'fast-check'
import { EventGate } from '../../src/exchange/boundary.ts'
import { createParser } from '../../src/sse/parse.ts'
import { everyCut } from '../support/split.ts'

/** What the gate lets through of these pieces, and what it keeps. */
function through(pieces: readonly Buffer[]) {
  const gate = new EventGate()
  const passed = pieces.map((piece) => gate.push(piece)?.toString('latin1') ?? '')
  return { passed, rest: gate.rest().toString('latin1') }
}

function eventsOf(text: string): number {
  let count = 0
  createParser(() => count++, { maxEventBytes: 1_000_000 }).push(text)
  return count
}

describe('letting whole events through', () => {
  for (const [name, text, rest] of [
    ['LF', 'data: a\n\ndata: b\n\ndata: c', 'data: c'],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\ndata: c\r\n', 'data: c\r\n'],
    ['CR', 'data: a\r\rdata: b\r\rdata: c\r', 'data: c\r'],
    ['mixed', 'data: a\r\n\ndata: b\n\rdata: c', 'data: c'],
    ['nothing whole', 'data: a\n', 'data: a\n'],
    ['nothing left', ': x\n\ndata: a\n\n', ''],
  ] as const) {
    it(`keeps what is not whole, with line ends of ${name}, however it is cut`, () => {
      for (const pieces of everyCut(Buffer.from(text))) {
        const { passed, rest: kept } = through(pieces)
        assert.equal(passed.join('') + kept, text)
        // Cut between the two halves of a CRLF, the LF is passed with what follows.
        assert.ok(kept === rest || (rest === '' && kept === '\n') || kept === `\n${rest}`, JSON.stringify(kept))
      }
    })
  }

  it('never changes a byte, and holds no event back that a reader would have seen', () => {
    const piece = fc.constantFrom('\n', '\r', '\r\n', '\n\n', 'data: x', ': c', 'x', '\r\n\r\n')
    fc.assert(
      fc.property(fc.array(fc.array(piece, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), (parts) => {
        const pieces = parts.map((part) => Buffer.from(part.join('')))
        const { passed, rest } = through(pieces)
        const text = Buffer.concat(pieces).toString('latin1')
        assert.equal(passed.join('') + rest, text)
        assert.equal(eventsOf(passed.join('')), eventsOf(text), JSON.stringify(parts))
      }),
    )
  })

  it('takes one large event in small pieces in linear time', () => {
    const gate = new EventGate()
    const piece = Buffer.from('x')
    for (let count = 0; count < 300_000; count++) assert.equal(gate.push(piece), undefined)
    assert.equal(gate.push(Buffer.from('\n\n'))?.length, 300_002)
  })
})
