import assert from 'node:assert/strict'
import { type BodyKind, sniff } from '../../src/sse/sniff.ts'

const BOM = '\uFEFF'

const bodies: [body: string, kind: BodyKind | undefined][] = [
  ['{"id":1}', 'json'],
  ['[', 'json'],
  [' \r\n\t\n{', 'json'],
  [`${BOM}{`, 'json'],
  [`${BOM} \n[`, 'json'],
  ['data: x\n\n', 'sse'],
  ['data:', 'sse'],
  ['data\n', 'sse'],
  ['data\r', 'sse'],
  ['event: x', 'sse'],
  ['id:1', 'sse'],
  ['retry: 5', 'sse'],
  [': comment', 'sse'],
  ['\n\n\r\ndata:', 'sse'],
  [`${BOM}data:`, 'sse'],
  [`${BOM}\n:`, 'sse'],
  ['error: {"code":400}', 'sse'],
  ['error:{', 'sse'],
  ['<html>', 'other'],
  ['upstream connect error', 'other'],
  ['database is down', 'other'],
  ['identity', 'other'],
  ['dat:', 'other'],
  ['eventually', 'other'],
  ['error: no such host', 'other'],
  ['error:  {', 'other'],
  ['error', undefined],
  ['error: ', undefined],
  ['"text"', 'other'],
  ['null', 'other'],
  [`${BOM}${BOM}{`, 'other'],
  [` ${BOM}{`, 'other'],
  ['\0', 'other'],
  ['', undefined],
  [' \n\r\t', undefined],
  [BOM, undefined],
  ['d', undefined],
  ['data', undefined],
  ['\n\nretr', undefined],
  ['i', undefined],
]

describe('sniff', () => {
  for (const [body, kind] of bodies) {
    it(`takes ${JSON.stringify(body)} for ${kind ?? 'undecided'}`, () => {
      assert.equal(sniff(Buffer.from(body)), kind)
    })
  }

  it('is undecided byte by byte until the decision, which then stays', () => {
    for (const [body, kind] of bodies) {
      const bytes = Buffer.from(body)
      const kinds = Array.from({ length: bytes.length }, (_, at) => sniff(bytes.subarray(0, at + 1)))
      const decided = kinds.filter((found) => found !== undefined)
      assert.deepEqual(new Set(decided), new Set(kind ? [kind] : []), body)
      assert.deepEqual(kinds.slice(kinds.length - decided.length), decided, body)
    }
  })

  it('is undecided within a byte order mark, but not within other bytes above 127', () => {
    assert.equal(sniff(Buffer.of(0xef)), undefined)
    assert.equal(sniff(Buffer.of(0xef, 0xbb)), undefined)
    assert.equal(sniff(Buffer.of(0xef, 0xbc)), 'other')
    assert.equal(sniff(Buffer.of(0x20, 0xef)), 'other')
    assert.equal(sniff(Buffer.of(0x1f, 0x8b)), 'other')
  })

  it('needs seven bytes at most behind the white space', () => {
    const undecided = bodies.filter(([, kind]) => kind === undefined).map(([body]) => body.trimStart().length)
    assert.ok(Math.max(...undecided) <= 7)
    assert.equal(sniff(Buffer.from('event')), undefined)
    assert.equal(sniff(Buffer.from('eventx')), 'other')
  })
})
