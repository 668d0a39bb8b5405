import assert from 'node:assert/strict'
import { createParser } from '../../src/sse/parse.ts'
import { everyCut } from '../support/split.ts'
import { type Event, read } from './collect.ts'

/** A rule of the event stream format, a body that needs it, and the events that must come of it. */
const rules: [rule: string, body: string, events: Event[]][] = [
  [
    'a data line and a blank line make an event',
    'data: {"a":1}\n\ndata: [DONE]\n\n',
    [
      ['{"a":1}', ''],
      ['[DONE]', ''],
    ],
  ],
  [
    'CRLF ends lines',
    'data: one\r\n\r\ndata: two\r\n\r\n',
    [
      ['one', ''],
      ['two', ''],
    ],
  ],
  [
    'CR ends lines',
    'data: one\r\rdata: two\r\r',
    [
      ['one', ''],
      ['two', ''],
    ],
  ],
  [
    'line ends may be mixed',
    'data: one\r\n\ndata: two\r\r\ndata: three\n\r',
    [
      ['one', ''],
      ['two', ''],
      ['three', ''],
    ],
  ],
  ['CRLF after a lone data line is one line end', 'data: a\r\ndata: b\r\n\r\n', [['a\nb', '']]],
  ['a byte order mark is dropped at the very start', '\uFEFFdata: one\n\n', [['one', '']]],
  ['only one byte order mark is dropped', '\uFEFF\uFEFFdata: one\n\ndata: two\n\n', [['two', '']]],
  ['a byte order mark further on belongs to its line', 'data: \uFEFFone\n\n\uFEFFdata: two\n\n', [['\uFEFFone', '']]],
  ['comments are dropped anywhere', ': OK\n\ndata: a\n: within\ndata: b\n\n:\n\n', [['a\nb', '']]],
  ['several data lines are joined by LF', 'data: {\ndata: "a":1\ndata: }\n\n', [['{\n"a":1\n}', '']]],
  [
    'one space after the colon is dropped, no more',
    'data:none\n\ndata: one\n\ndata:  two\n\n',
    [
      ['none', ''],
      ['one', ''],
      [' two', ''],
    ],
  ],
  [
    'an object in a field named error is an event of that name, and words are not',
    'error: {"a":1}\n\nerror:{"b":2}\n\nerror: no\n\nerrors: {}\n\ndata: c\n\n',
    [
      ['{"a":1}', 'error'],
      ['{"b":2}', 'error'],
      ['c', ''],
    ],
  ],
  ['a tab after the colon is kept', 'data:\tx\n\n', [['\tx', '']]],
  [
    'the event field names one event',
    'event: ping\ndata: a\n\ndata: b\n\n',
    [
      ['a', 'ping'],
      ['b', ''],
    ],
  ],
  ['the event field may come behind the data', 'data: a\nevent: late\n\n', [['a', 'late']]],
  ['the last event field counts', 'event: one\nevent:two\ndata: a\n\n', [['a', 'two']]],
  ['an event field without value takes the name away', 'event: one\nevent\ndata: a\n\n', [['a', '']]],
  ['a name does not outlive an event without data', 'event: lost\n\ndata: a\n\n', [['a', '']]],
  ['id and retry are read over', 'id: 7\nretry: 100\ndata: a\nid\nretry:\n\n', [['a', '']]],
  [
    'unknown fields are dropped',
    'foo: bar\ndatax: no\n data: no\nDATA: no\ndat: no\neventx: no\ndata: a\n\n',
    [['a', '']],
  ],
  ['a data line without colon is an empty line', 'data: a\ndata\ndata: b\n\n', [['a\n\nb', '']]],
  ['two empty data lines are data', 'data\ndata:\n\n', [['\n', '']]],
  ['events with empty data are dropped', 'data:\n\ndata: \n\ndata\n\nevent: ping\ndata:\n\ndata: a\n\n', [['a', '']]],
  ['blank lines alone are nothing', '\n\n\n\r\n\r\r\n', []],
  ['an empty body has no events', '', []],
  [
    'a last event needs no blank line',
    'data: a\n\nevent: x\ndata: b\n',
    [
      ['a', ''],
      ['b', 'x'],
    ],
  ],
  [
    'a last line needs no line end',
    'data: a\n\ndata: {"cut',
    [
      ['a', ''],
      ['{"cut', ''],
    ],
  ],
  ['a last line may be a bare CR away from its event', 'data: a\r', [['a', '']]],
  ['a last line that is no field changes nothing', 'data: a\n\nda', [['a', '']]],
  ['a last data line without value is no event', 'data: a\n\ndata:', [['a', '']]],
  [
    'data may hold colons and line separators of other kinds',
    'data: a:b: c\u2028\u0085\v\f\n\n',
    [['a:b: c\u2028\u0085\v\f', '']],
  ],
  ['NUL and controls are data', 'data: \0\u0001\n\n', [['\0\u0001', '']]],
  [
    'characters of two, three and four bytes survive',
    'data: é世😀\n\nevent: né\ndata: 界\n\n',
    [
      ['é世😀', ''],
      ['界', 'né'],
    ],
  ],
]

describe('parse', () => {
  for (const [rule, body, events] of rules) {
    it(`${rule}, wherever the bytes are cut`, () => {
      for (const chunks of everyCut(Buffer.from(body))) {
        assert.deepEqual(read(chunks), { events, failure: undefined }, lengths(chunks))
      }
    })
  }

  it('bytes that are no UTF-8 become U+FFFD, wherever they are cut', () => {
    const body = Buffer.from('data: a\xff\xe4\xb8b\xf0\x9f\x98\n\ndata: \xc0\x80\xed\xa0\x80\n\n', 'latin1')
    const events = [
      ['a\uFFFD\uFFFDb\uFFFD', ''],
      ['\uFFFD'.repeat(5), ''],
    ]
    for (const chunks of everyCut(body)) {
      assert.deepEqual(read(chunks), { events, failure: undefined }, lengths(chunks))
    }
  })

  it('an event is handed over as soon as its blank line has come', () => {
    const seen: string[] = []
    const parser = createParser((data) => seen.push(data), { maxEventBytes: 100 })
    parser.push('data: a\n')
    assert.deepEqual(seen, [])
    parser.push('\n')
    assert.deepEqual(seen, ['a'])
    parser.push('data: b\r\n\r')
    assert.deepEqual(seen, ['a', 'b'], 'a CR ends the line, whether or not an LF follows')
    parser.push('\ndata: c\n\n')
    assert.deepEqual(seen, ['a', 'b', 'c'])
  })

  it('an empty text before the byte order mark does not hide it', () => {
    const seen: string[] = []
    const parser = createParser((data) => seen.push(data), { maxEventBytes: 100 })
    for (const text of ['', '\uFEFF', '', 'data: a\n\n']) parser.push(text)
    assert.deepEqual(seen, ['a'])
  })

  it('ending twice hands over nothing twice', () => {
    const seen: string[] = []
    const parser = createParser((data) => seen.push(data), { maxEventBytes: 100 })
    parser.push('data: a')
    parser.end()
    parser.end()
    assert.deepEqual(seen, ['a'])
  })
})

function lengths(chunks: readonly Buffer[]): string {
  return `cut into chunks of ${chunks.map((chunk) => chunk.length).join(', ')} bytes`
}
