import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Summary } from '../../src/openai/api.ts'
import { Quick } from '../../src/openai/quick.ts'
import { QuickSkim } from '../../src/openai/skim.ts'
import { Watch } from '../../src/openai/watch.ts'
import { bytesOf } from '../../src/sse/bytes.ts'
import { createParser, type OnEvent, type Skim } from '../../src/sse/parse.ts'
import { CAP, folds } from '../fold/folding.ts'
import { foldPlainly, outcome, type Told } from '../fold/plainly.ts'
import { chunk } from '../support/chunks.ts'
import { alikeStream } from './likeness.ts'

const MAX_EVENT = 100_000

interface Read {
  /** Events that were handed over one by one, and those that were taken as they stood. */
  handed: number
  taken: number
}

/** Reads a body, cut into pieces of the given lengths, over and over. */
function read(body: string, cuts: readonly number[], onEvent: OnEvent, skim?: Skim, maxEventBytes = MAX_EVENT): Read {
  const counts = { handed: 0, taken: 0 }
  const hand: OnEvent = (data, name) => {
    counts.handed++
    onEvent(data, name)
  }
  const onStretch: Skim['take'] = (stretch) => {
    const end = skim?.take(stretch) ?? -1
    counts.taken += skim?.taken ?? 0
    return end
  }
  const parser = createParser(hand, { maxEventBytes, ...(skim && { onStretch }) })
  const bytes = bytesOf(Buffer.from(body))
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = cuts[turn % cuts.length] ?? bytes.length
    parser.push(bytes.slice(at, at + length))
    at += length
  }
  parser.end()
  return counts
}

/** A body as a server writes it, with or without the space behind the colon. */
function written(events: readonly Told[], field: string): string {
  return events
    .map(([data, name]) => {
      const lines = data.split('\n').map((line) => `${field}${line}\n`)
      return `${name === '' ? '' : `event: ${name}\n`}${lines.join('')}\n`
    })
    .join('')
}

/** As it is once it has been bytes: without halves of characters. */
const wellFormed = ([data, name]: Told): Told => [data.toWellFormed(), name]

const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 4 })
const caps = fc.oneof({ weight: 3, arbitrary: fc.constant(CAP) }, { weight: 1, arbitrary: fc.nat(600) })
const field = fc.constantFrom('data: ', 'data: ', 'data:')

const twenty = Array.from({ length: 20 }, (_, at): Told => [JSON.stringify(chunk({ content: `t${at}` })), ''])

/** What a watch has seen, but for the number of events. */
function seen(watch: Watch): Summary & { done: boolean; whole: boolean; trouble: string | undefined } {
  return { ...watch.summary(), done: watch.done, whole: watch.whole, trouble: watch.trouble?.code }
}

describe('events that are taken as they stand', () => {
  for (const api of ['chat', 'completions'] as const) {
    it(`fold to the same answer of ${api} as when each is cut out and parsed, however the body is cut`, () => {
      fc.assert(
        fc.property(alikeStream, caps, cuts, field, (events, cap, lengths, before) => {
          const fold = folds[api](cap)
          const answer = outcome(() => {
            read(written(events, before), lengths, (data, name) => fold.pushBytes(data, name), fold.skim)
            return fold.finish()
          })
          assert.equal(answer, foldPlainly(api, events.map(wellFormed), cap))
        }),
        { numRuns: 1000 },
      )
    })
  }

  it('are as many, and tell a watch the same, as when each is shown to it', () => {
    fc.assert(
      fc.property(alikeStream, cuts, field, (events, lengths, before) => {
        const body = written(events, before)
        const [watch, other] = [new Watch(), new Watch()]
        const one = read(body, lengths, (data, name) => watch.see(data, name), watch.skim)
        const each = read(body, lengths, (data, name) => other.see(data, name))
        assert.equal(one.handed + one.taken, each.handed)
        assert.deepEqual(seen(watch), seen(other))
      }),
      { numRuns: 1000 },
    )
  })

  it('are all but the one that they are like', () => {
    const fold = folds.chat(CAP)
    const counts = read(written(twenty, 'data: '), [], (data, name) => fold.pushBytes(data, name), fold.skim)
    assert.deepEqual(counts, { handed: 1, taken: 19 })
  })

  it('are those with escaped quotes and backslashes too', () => {
    const texts = ['plain', '"quoted"', 'C:\\', '\\"', '"', '\\\\"\\', 'end']
    const events = texts.map((content): Told => [JSON.stringify(chunk({ content })), ''])
    const [fold, watch] = [folds.chat(CAP), new Watch()]
    const body = written([...events, [JSON.stringify(chunk({}, { finish: 'stop' })), '']], 'data: ')
    const counts = read(body, [], (data, name) => fold.pushBytes(data, name), fold.skim)
    assert.deepEqual(counts, { handed: 2, taken: texts.length - 1 })
    assert.equal(JSON.parse(fold.finish()).choices[0].message.content, texts.join(''))
    assert.deepEqual(
      read(body, [], (data, name) => watch.see(data, name), watch.skim),
      counts,
    )
  })

  it('are none whose text has only escaped quotes to the end of its line', () => {
    const [first] = twenty as [Told]
    const open = first[0].slice(0, first[0].indexOf('t0'))
    const watch = new Watch()
    const body = written([first, [`${open}\\"\\"`, ''], first], 'data: ')
    const counts = read(body, [], (data, name) => watch.see(data, name), watch.skim)
    assert.deepEqual(counts, { handed: 2, taken: 1 })
  })

  it('are none behind [DONE], where all is noise', () => {
    const fold = folds.chat(CAP)
    const body = written([...twenty.slice(0, 3), ['[DONE]', ''], ...twenty], 'data: ')
    assert.equal(read(body, [], (data, name) => fold.pushBytes(data, name), fold.skim).taken, 2)
    assert.equal(JSON.parse(fold.finish()).choices[0].message.content, 't0t1t2')
  })

  it('are none with a name, none of several lines and none that CR ends', () => {
    const [first, ...rest] = twenty as [Told, ...Told[]]
    for (const body of [
      written([first, ...rest.map(([data]): Told => [data, 'message'])], 'data: '),
      written([first], 'data: ') + rest.map(([data]) => `data: ${data}\ndata: \n\n`).join(''),
      written(twenty, 'data: ').replaceAll('\n', '\r\n'),
    ]) {
      const watch = new Watch()
      const counts = read(body, [], (data, name) => watch.see(data, name), watch.skim)
      assert.deepEqual(counts, { handed: 20, taken: 0 })
    }
  })

  it('are taken one by one where a call may end between two of them', () => {
    const whole = (args: string) => chunk({ tool_calls: [{ index: 0, function: { name: 'pier', arguments: args } }] })
    const events = ['{"x":1}', '{"x":2}', '{"x":3}'].map((args): Told => [JSON.stringify(whole(args)), ''])
    const fold = folds.chat(CAP)
    read(written([...events, ['[DONE]', '']], 'data: '), [], (data, name) => fold.pushBytes(data, name), fold.skim)
    assert.equal(fold.finish(), foldPlainly('chat', [...events, ['[DONE]', '']]))
  })

  it('are none that only seem to be whole: torn by a blank line, or with a quote escaped in the padding', () => {
    const [first] = twenty as [Told]
    const padded = JSON.stringify({ ...chunk({ content: 'a' }), obfuscation: 'abc' })
    for (const [body, handed] of [
      [written([first, ...first[0].split('t0').map((part): Told => [part, ''])], 'data: '), 3],
      [
        written(
          [
            [padded, ''],
            [padded.replace('"abc"', '"abc\\"'), ''],
          ],
          'data: ',
        ),
        2,
      ],
    ] as const) {
      const watch = new Watch()
      const counts = read(body, [], (data, name) => watch.see(data, name), watch.skim)
      assert.deepEqual(counts, { handed, taken: 0 }, body)
    }
  })

  it('pass the cap on one event no more than others do', () => {
    const events = ['a', 'b', 'c'.repeat(50)].map((content): Told => [JSON.stringify(chunk({ content })), ''])
    const longest = `data: ${events[2]?.[0]}`.length
    for (const [cap, outcomeThen] of [
      [longest, 'read'],
      [longest - 1, 'upstream_too_large'],
    ] as const) {
      const watch = new Watch()
      const show: OnEvent = (data, name) => watch.see(data, name)
      const happened = outcome(() => {
        read(written(events, 'data: '), [], show, watch.skim, cap)
        return 'read'
      })
      assert.equal(happened, outcomeThen)
    }
  })

  it('leave nothing of an answer behind', () => {
    const quick = new Quick()
    const [event, , ...rest] = twenty.map(([data]) => data)
    quick.learn(event as string, JSON.parse(event as string), '')
    const said: string[] = []
    const skim = new QuickSkim(
      quick,
      () => false,
      ({ holder, key }) => said.push(String(holder[key])),
    )
    const body = written(
      rest.map((data): Told => [data, '']),
      'data: ',
    )
    skim.take({ body, from: 6, field: 'data: ', maxLength: MAX_EVENT })
    assert.deepEqual(said, [rest.map((_, at) => `t${at + 2}`).join('')])
    assert.equal(JSON.stringify(quick).includes('t2t3'), false)
  })
})
