import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { labels } from '../../src/fold/grow.ts'
import { padding } from '../../src/fold/merge.ts'
import { fixtures } from './fixtures.ts'
import { type Folded, foldEvents } from './folding.ts'

type Fields = Record<string, unknown>

const page = readFileSync(new URL('../../docs/fold.md', import.meta.url), 'utf8')

/** The rows of all tables but the one that explains the rules. */
const rows = [...page.matchAll(/^\| `([^`]+)`(?: (\w+))? \| (\w+) \|/gm)].map(([, path, kind, rule]) => ({
  path: path as string,
  kind,
  rule: rule as string,
}))

const explained = [...page.matchAll(/^\| (\w+) \| [A-Z]/gm)].map(([, rule]) => rule as string)

/** For each rule, what comes at a field chunk by chunk, and what the answer must have there. */
const rules: Readonly<Record<string, [pieces: unknown[], result: unknown][]>> = {
  first: [[['', null, 0, 'one', 'two', ''], 'one']],
  last: [[['one', null, 'two', '', null], 'two']],
  appended: [[['o', '', 'n', null, 'e', 'e'], 'onee']],
  label: [[['one', 'one', '', 'two', null], 'two']],
  begins: [[['', 'one', 'one', '', null], 'one']],
  listed: [
    [
      [[{ index: 1, t: 'a' }], null, [], [{ index: 1, t: 'a' }, 3]],
      [{ index: 1, t: 'a' }, { index: 1, t: 'a' }, 3],
    ],
  ],
  numbered: [
    [
      [['a'], null, ['b', 'a']],
      ['a', 'b', 'a'],
    ],
    [
      [[{ index: 4, t: 'a' }], [{ index: 4, t: 'b' }, { index: 2 }]],
      [{ index: 4, t: 'ab' }, { index: 2 }],
    ],
    [
      [[{ index: 4, type: 'x' }], [{ index: 4, type: 'y' }]],
      [
        { index: 4, type: 'x' },
        { index: 4, type: 'y' },
      ],
    ],
    [
      [[{ index: 4, id: 'x' }], [{ index: 4, id: 'y' }]],
      [
        { index: 4, id: 'x' },
        { index: 4, id: 'y' },
      ],
    ],
  ],
  replaced: [
    [[1, null, 2, null], 2],
    [[0], 0],
  ],
  merged: [
    [[{ a: { b: 1 }, l: [1], t: 'x' }, null, { a: { c: 2 }, l: [2], t: 'y' }], { a: { b: 1, c: 2 }, l: [2], t: 'y' }],
  ],
  grown: [
    [[{ a: { t: 'x' }, l: [1], n: 1 }, null, { a: { t: 'y' }, l: [2], n: 2 }], { a: { t: 'xy' }, l: [1, 2], n: 2 }],
  ],
  parts: [
    [['o', null, '', 'ne'], 'one'],
    [['o', [{ type: 'text', text: 'n' }], 'e'], [{ type: 'text', text: 'one' }]],
  ],
  set: [[['chat.completion.chunk', 'other'], 'chat.completion']],
  dropped: [[['x'], undefined]],
}

/** A chunk that has the value at the path; `*` is a name that nobody knows. */
function chunkWith(path: string, value: unknown): Fields {
  return path
    .replace('*', 'novelty')
    .split('.')
    .reduceRight<unknown>((inner, step) => {
      const name = step.replace('[]', '')
      return { [name]: step === name ? inner : [{ index: 0, ...(inner as Fields) }] }
    }, value) as Fields
}

/** What the answer has at the path, where a delta has become the message. */
function valueAt(path: string, { text }: Folded): unknown {
  const steps = path.replace('*', 'novelty').replaceAll('[]', '.0').replace('delta', 'message').split('.')
  return steps.reduce<unknown>((value, step) => (value as Fields | undefined)?.[step], JSON.parse(text ?? '{}'))
}

const end = { choices: [{ index: 0, finish_reason: 'stop' }] }

function fold(path: string, pieces: unknown[]): Folded {
  const events = pieces.map((piece) => chunkWith(path, piece))
  // The field under test may be the reason itself, which another one would replace.
  return foldEvents(path.endsWith('finish_reason') ? events : [...events, end])
}

describe('docs/fold.md', () => {
  it('has rows to be held to, and explains each rule that they name', () => {
    assert.ok(rows.length > 50)
    assert.deepEqual([...new Set(rows.map(({ rule }) => rule))].sort(), [...explained].sort())
  })

  for (const { path, kind, rule } of rows) {
    it(`says of ${path}${kind ? ` (${kind})` : ''} what the code does: ${rule}`, () => {
      if (rule === 'error') {
        assert.equal(fold(path, [{ message: 'm' }]).error?.code, 'upstream_error')
        return
      }
      for (const [pieces, result] of rules[rule] ?? assert.fail(rule)) {
        assert.deepEqual(valueAt(path, fold(path, pieces)), result)
      }
    })
  }

  it('says what is always there', () => {
    const answer = JSON.parse(foldEvents([{ choices: [{ index: 0 }] }]).text ?? '')
    const message = { role: 'assistant', content: null, refusal: null }
    const choice = { index: 0, message, logprobs: null, finish_reason: null }
    assert.deepEqual(answer, { object: 'chat.completion', choices: [choice] })
  })

  it('names the labels and the padding that the code knows', () => {
    const [, list = ''] = /These strings are labels wherever they stand: ([^.]+)\./.exec(page) ?? []
    assert.deepEqual(list.match(/\w+/g)?.sort(), [...labels].sort())
    const dropped = rows.filter(({ path, rule }) => rule === 'dropped' && !path.includes('.')).map(({ path }) => path)
    assert.deepEqual(dropped.sort(), [...padding].sort())
  })

  it('names every fixture, and none that is not there', () => {
    const known = fixtures.map(({ name }) => name)
    const quoted = new Set([...page.matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)*)`/g)].map(([, name]) => name as string))
    assert.deepEqual(
      known.filter((name) => !quoted.has(name)),
      [],
    )
    const cells = [...page.matchAll(/^\| `[^|]+\|[^|]+\|([^|]+)\|$/gm)].flatMap(([, cell]) =>
      cell?.match(/[a-z0-9-]{3,}/g),
    )
    assert.deepEqual(
      cells.filter((name) => name && !known.includes(name) && !'see below'.includes(name)),
      [],
    )
  })
})
