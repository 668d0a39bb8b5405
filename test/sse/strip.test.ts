import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createUsageStripper } from '../../src/sse/strip.ts'
import { chunk, saying, sseEvent, usageChunk } from '../support/chunks.ts'
import { cutAtRandom, cutPerByte, everyCut, seededRandom } from '../support/split.ts'

function strip(chunks: Iterable<Buffer>): Buffer[] {
  const written: Buffer[] = []
  const stripper = createUsageStripper((bytes) => written.push(bytes))
  for (const piece of chunks) stripper.push(piece)
  stripper.end()
  return written
}

/** However the bytes are cut, the same must come out. */
function strips(body: string, expected: string): void {
  const bytes = Buffer.from(body)
  for (const chunks of everyCut(bytes)) assert.equal(Buffer.concat(strip(chunks)).toString(), expected)
}

const azureFirst = { choices: [], created: 0, id: '', model: '', prompt_filter_results: [{ prompt_index: 0 }] }
const kept: [what: string, body: string][] = [
  ['nothing at all', ''],
  ['text, comments and [DONE]', ': hi\n\ndata: {"choices":[{"delta":{"content":"ü"}}]}\n\ndata: [DONE]\n\n'],
  ['usage beside choices', sseEvent(chunk({}, { finish: 'stop', with: { usage: { total_tokens: 1 } } }))],
  ['Azure’s first chunk, which has no choices and no usage', sseEvent(azureFirst)],
  ['null usage, as OpenAI sends it in every chunk', sseEvent({ ...azureFirst, usage: null })],
  ['null usage after white space', 'data: {"choices": [], "usage" : null}\n\n'],
  ['usage beside choices that are no list', sseEvent({ choices: {}, usage: { total_tokens: 1 } })],
  ['usage that is no object', sseEvent({ choices: [], usage: 3 })],
  ['usage deeper down', sseEvent({ choices: [], x_groq: { usage: { total_tokens: 1 } } })],
  ['the word as text', sseEvent(chunk({ content: '"usage":{}', role: 'usage' }))],
  ['an error beside usage', sseEvent(usageChunk(1, 1, { error: { message: 'no' } }))],
  ['an error by its name', `event: error\n${sseEvent({ message: 'x', code: 429, usage: { a: 1 } })}`],
  ['an error by its name alone', `event: error\n${sseEvent({ reason: 'quota', usage: { a: 1 } })}`],
  ...Object.entries({ message: 'no', msg: 'no', error_msg: 'no', detail: 'no', code: 429, error_code: 429 }).map(
    ([key, value]): [string, string] => [`an error that says its ${key}`, sseEvent(usageChunk(1, 1, { [key]: value }))],
  ),
  ['an error in a list', sseEvent(usageChunk(1, 1, { errors: [{ message: 'no' }] }))],
  ['an error in an object', sseEvent(usageChunk(1, 1, { base_resp: { status_code: 1004, status_msg: 'no' } }))],
  ['an error among figures', sseEvent(usageChunk(1, 1, { x_groq: { id: 'req_1', error: 'no' } }))],
  ['citations beside usage', sseEvent({ usage: { total_tokens: 1 }, citations: ['https://example.org'] })],
  ['an object beside usage', sseEvent(usageChunk(1, 1, { search: { results: ['a'] } }))],
  ['what is not JSON', 'data: {"choices":[],"usage":{}\n\n'],
  ['JSON that is no object', 'data: ["usage"]\n\ndata: "usage"\n\ndata: null\n\n'],
  ['a stream of blank lines', '\n\n\r\n\r\r\n\n'],
  ['a last event without its blank line', `${sseEvent(chunk({ content: 'a' }))}data: [DONE]`],
]

describe('taking the usage chunk out of a stream', () => {
  for (const [what, body] of kept) {
    it(`leaves ${what} to the byte`, () => strips(body, body))
  }

  for (const eol of ['\n', '\r\n', '\r'] as const) {
    it(`takes it out with its blank line where lines end with ${JSON.stringify(eol)}`, () => {
      const before = saying('a').map((event) => sseEvent({ ...event, usage: null }, { eol }))
      const after = [`: bye${eol}${eol}`, sseEvent('[DONE]', { eol })]
      const body = [...before, sseEvent(usageChunk(), { eol }), ...after].join('')
      strips(body, [...before, ...after].join(''))
    })
  }

  it('takes it out with its comments, its name and all its lines', () => {
    const data = 'data: {"choices":[\ndata:],\ndata: "usage"\ndata: : {"total_tokens":1}}\n'
    strips(`data: 1\n\n: here it comes\nevent: x\nid: 7\n${data}\ndata: 2\n\n`, 'data: 1\n\ndata: 2\n\n')
  })

  it('takes it out at the very beginning, behind a BOM', () => {
    strips(`\ufeff${sseEvent(usageChunk())}data: [DONE]\n\n`, 'data: [DONE]\n\n')
  })

  it('takes it out at the end, without a blank line or a line end', () => {
    strips(`data: 1\n\n${sseEvent(usageChunk()).trimEnd()}`, 'data: 1\n\n')
  })

  it('takes it out where the error is null', () => {
    strips(sseEvent(usageChunk(1, 1, { error: null })), '')
  })

  for (const beside of [
    { system_fingerprint: 'fp', service_tier: 'default', provider: 'x', cost: 0.1, cached: true },
    { obfuscation: 'x7Gq', p: 'abc' },
    { x_groq: { id: 'req_1', usage: { total_tokens: 1 } }, timings: { prompt_n: 1 }, time_info: { total_time: 0.1 } },
    { x_groq: 'none', timings: { error: null } },
    { prompt_filter_results: [{ prompt_index: 0 }] },
    { citations: [], metadata: {}, base_resp: { status_code: 0, status_msg: '' } },
    { error: null, code: null, message: '', detail: null },
  ]) {
    it(`takes it out with ${Object.keys(beside).join(', ')} beside it, which is no loss`, () => {
      strips(`${sseEvent(usageChunk(1, 1, beside))}data: 1\n\n`, 'data: 1\n\n')
    })
  }

  it('takes it out where the choices are null or left out', () => {
    const { choices: _none, ...bare } = usageChunk()
    strips(`${sseEvent(bare)}data: 1\n\n${sseEvent({ ...bare, choices: null })}`, 'data: 1\n\n')
  })

  it('takes out each of several', () => {
    const usage = sseEvent(usageChunk())
    strips(`${usage}data: 1\n\n${usage}${usage}data: 2\n\n`, 'data: 1\n\ndata: 2\n\n')
  })

  it('writes each event as soon as its blank line is there', () => {
    for (const eol of ['\n', '\r\n', '\r'] as const) {
      const events = saying('a', 'b').map((event) => sseEvent(event, { eol }))
      const written: string[] = []
      const stripper = createUsageStripper((bytes) => written.push(bytes.toString()))
      for (const [at, event] of events.entries()) {
        for (const byte of cutPerByte(Buffer.from(event))) stripper.push(byte)
        assert.equal(written.join(''), events.slice(0, at + 1).join(''))
      }
    }
  })

  it('hands whole events on without copying them, in one piece', () => {
    const events = Buffer.from(
      saying('a', 'b')
        .map((event) => sseEvent({ ...event, usage: null }))
        .join(''),
    )
    assert.deepEqual(
      strip([events]).map((bytes) => bytes === events),
      [true],
    )
    const cut = Buffer.concat([events, Buffer.from('data: hal')])
    const [written] = strip([cut])
    assert.ok(written?.buffer === cut.buffer && written.length === events.length)
  })

  it('keeps what it wrote unchanged when more comes', () => {
    const event = sseEvent(chunk({ content: 'first' }))
    const stripper = createUsageStripper((bytes) => written.push(bytes))
    const written: Buffer[] = []
    for (const text of [event, event.replace('first', 'other')]) {
      stripper.push(Buffer.from(text.slice(0, 9)))
      stripper.push(Buffer.from(text.slice(9)))
    }
    assert.equal(Buffer.concat(written).toString(), event + event.replace('first', 'other'))
  })

  it('does the same to any mixture, however it is cut', () => {
    const eol = fc.constantFrom('\n', '\r\n', '\r')
    const stays = fc.constantFrom<Record<string, unknown> | string>(chunk({ content: 'ü' }), azureFirst, '[DONE]')
    const part = fc.tuple(fc.oneof(stays, fc.constant('usage')), eol)
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.nat(), (parts, seed) => {
        const text = (wanted: (data: unknown) => boolean) =>
          parts
            .filter(([data]) => wanted(data))
            .map(([data, end]) => sseEvent(data === 'usage' ? usageChunk() : data, { eol: end }))
            .join('')
        const bytes = Buffer.from(text(() => true))
        const output = Buffer.concat(strip(cutAtRandom(bytes, seededRandom(seed), 60))).toString()
        assert.equal(
          output,
          text((data) => data !== 'usage'),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('takes a large event in small pieces in linear time', () => {
    const large = Buffer.from(sseEvent(chunk({ content: 'x'.repeat(2_000_000) })))
    let written = 0
    const stripper = createUsageStripper((bytes) => {
      written += bytes.length
    })
    for (let at = 0; at < large.length; at++) stripper.push(large.subarray(at, at + 1))
    assert.equal(written, large.length)
  })
})
