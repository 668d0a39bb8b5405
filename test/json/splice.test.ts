import assert from 'node:assert/strict'
import fc from 'fast-check'
import { memberText, splice } from '../../src/json/splice.ts'
import { nameText, space, valueText } from './texts.ts'

const sets: [what: string, text: string, changes: Record<string, string>, expected: string][] = [
  ['a missing member goes before the brace', '{"a":1}', { stream: 'true' }, '{"a":1,"stream":true}'],
  ['an empty object gets no comma', '{}', { stream: 'true' }, '{"stream":true}'],
  ['white space stays', ' { \n } \n', { a: '1' }, ' { \n "a":1} \n'],
  ['white space around the last member stays', '{"a" : 1 }\r\n', { b: '2' }, '{"a" : 1 ,"b":2}\r\n'],
  ['several are added in order', '{}', { a: '1', b: '[]' }, '{"a":1,"b":[]}'],
  [
    'a value is replaced where it stands',
    '{"stream" : false , "a":1}',
    { stream: 'true' },
    '{"stream" : true , "a":1}',
  ],
  ['every duplicate is replaced', '{"a":1,"b":2,"a":[3]}', { a: '0' }, '{"a":0,"b":2,"a":0}'],
  ['a name with escapes is recognised', '{"str\\u0065am":false}', { stream: 'true' }, '{"str\\u0065am":true}'],
  ['a nested member of that name is left', '{"a":{"stream":1}}', { stream: '2' }, '{"a":{"stream":1},"stream":2}'],
  ['a string that looks like a member is left', '{"a":"\\"b\\":1"}', { b: '2' }, '{"a":"\\"b\\":1","b":2}'],
  ['a string may end in backslashes', '{"a":"\\\\","b":1}', { b: '2' }, '{"a":"\\\\","b":2}'],
  ['a last value that is an empty object', '{"a":{}}', { b: '2' }, '{"a":{},"b":2}'],
  ['nothing to change', '{ "a":1.0 }', {}, '{ "a":1.0 }'],
  [
    'digits, escapes and order survive',
    '{"seed":12345678901234567890,"t":1.0,"u":"\\u00e9\\/","b":-0,"a":1E2}',
    { stream: 'true' },
    '{"seed":12345678901234567890,"t":1.0,"u":"\\u00e9\\/","b":-0,"a":1E2,"stream":true}',
  ],
]

/** Members in pieces, so that a test can say what each byte should become. */
const members = fc.array(fc.tuple(space, nameText, space, space, valueText, space), { maxLength: 6 })

/** What a client might be made to send; most of the names collide with those of `nameText`. */
const changes = fc.dictionary(
  fc.constantFrom('stream', 'stream_options', 'a', 'b', 'constructor', '}', ''),
  fc.json({ maxDepth: 1 }),
  { maxKeys: 4, noNullPrototype: false },
)

describe('splicing members into JSON text', () => {
  for (const [what, text, change, expected] of sets) {
    it(what, () => {
      assert.equal(splice(text, change), expected)
      assert.equal(splice(text, change, JSON.parse(text)), expected)
    })
  }

  it('leaves every byte but the values it sets, and what it adds', () => {
    fc.assert(
      fc.property(fc.tuple(space, members, space, space), changes, ([before, parts, inside, after], change) => {
        const write = (set: Record<string, string>) =>
          parts.map(([a, name, b, c, value, d]) => {
            const decoded: string = JSON.parse(name)
            return `${a}${name}${b}:${c}${Object.hasOwn(set, decoded) ? set[decoded] : value}${d}`
          })
        const text = `${before}{${write({}).join(',') || inside}}${after}`
        const had = new Set(parts.map(([, name]) => JSON.parse(name)))
        const added = Object.entries(change).filter(([name]) => !had.has(name))
        const own = write(change).join(',') || inside
        const extra = added.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')
        const expected = `${before}{${own}${extra && parts.length > 0 ? ',' : ''}${extra}}${after}`
        assert.equal(splice(text, change), expected)
        assert.equal(splice(text, change, JSON.parse(text)), expected)
      }),
      { numRuns: 500 },
    )
  })

  it('makes a text that parses to the changed object', () => {
    fc.assert(
      fc.property(members, changes, (parts, change) => {
        const text = `{${parts.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(',')}}`
        const expected: Record<string, unknown> = JSON.parse(text)
        for (const [name, value] of Object.entries(change)) expected[name] = JSON.parse(value)
        assert.deepEqual(JSON.parse(splice(text, change)), expected)
      }),
    )
  })

  it('trusts a parsed object that lacks the member and does not search for it', () => {
    assert.equal(splice('{"a":1}', { a: '2' }, {}), '{"a":1,"a":2}')
  })
})

describe('the text of a member', () => {
  it('is given as written', () => {
    assert.equal(memberText('{"a":[1.0, {"b":"]"}] ,"b":2}', 'a'), '[1.0, {"b":"]"}]')
  })

  it('is that of the last one where there are several, as JSON.parse chooses', () => {
    assert.equal(memberText('{"a":1,"\\u0061":2.0 }', 'a'), '2.0')
  })

  it('is undefined where there is none at the top', () => {
    assert.equal(memberText('{"b":{"a":1}}', 'a'), undefined)
    assert.equal(memberText('{}', 'a'), undefined)
  })

  it('parses to what JSON.parse has under that name', () => {
    fc.assert(
      fc.property(members, (parts) => {
        const text = `{${parts.map(([a, name, b, c, value, d]) => `${a}${name}${b}:${c}${value}${d}`).join(',')}}`
        for (const [name, value] of Object.entries(JSON.parse(text))) {
          assert.deepEqual(JSON.parse(memberText(text, name) ?? ''), value)
        }
      }),
    )
  })

  it('ends on text that is not JSON, at worst with a SyntaxError', () => {
    const text = fc.string({ unit: fc.constantFrom('{', '}', '[', '"', ':', ',', 'a', '\\', ' ') })
    fc.assert(
      fc.property(text, (broken) => {
        try {
          memberText(`{${broken}`, 'a')
        } catch (error) {
          assert.ok(error instanceof SyntaxError)
        }
      }),
    )
  })
})
