import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { chunk } from '../support/chunks.ts'
import { type ApiName, answerOf, CAP, collect, foldChunks, foldEvents } from './folding.ts'

const DEPTH = 100_000

function nested(depth: number, open = '{"a":', close = '}'): string {
  return `${open.repeat(depth)}1${close.repeat(depth)}`
}

/** Places of a chunk where a value of the upstream's choosing may stand; `@` is the value. */
const places: [where: string, event: string][] = [
  ['a top-level field', '{"choices":[{"index":0}],"x":@}'],
  ['the id', '{"choices":[{"index":0}],"id":@}'],
  ['the counts', '{"choices":[{"index":0}],"usage":@}'],
  ['a field of a choice', '{"choices":[{"index":0,"x":@}]}'],
  ['the log probabilities', '{"choices":[{"index":0,"logprobs":@}]}'],
  ['a list of log probabilities', '{"choices":[{"index":0,"logprobs":{"content":[@]}}]}'],
  ['a field of a delta', '{"choices":[{"index":0,"delta":{"x":@}}]}'],
  ['the content', '{"choices":[{"index":0,"delta":{"content":@}}]}'],
  ['a part of the content', '{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":@}]}}]}'],
  ['the arguments of a tool call', '{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":@}}]}}]}'],
  ['a field of a tool call', '{"choices":[{"index":0,"delta":{"tool_calls":[{"x":@}]}}]}'],
  ['a whole message', '{"choices":[{"index":0,"message":{"x":@}}]}'],
]

describe('an upstream that means harm', () => {
  for (const [where, event] of places) {
    it(`is refused when it nests ${DEPTH} deep in ${where}`, () => {
      for (const value of [nested(DEPTH), nested(DEPTH, '[', ']')]) {
        assert.equal(foldEvents([event.replace('@', value)]).error?.code, 'upstream_invalid')
      }
    })
  }

  it('may nest as deep as providers do, once and again', () => {
    for (const [where, event] of places) {
      const deep = event.replace('@', nested(50))
      assert.equal(foldEvents([deep, deep]).error, undefined, where)
    }
  })

  it('is refused when it nests deeper with every chunk', () => {
    const deeper = Array.from({ length: 300 }, (_, depth) => chunk({ x: JSON.parse(nested(depth)) }))
    assert.equal(foldEvents(deeper).error?.code, 'upstream_invalid')
  })

  it('is refused when its thinking nests deeper with every chunk', () => {
    const thinking = (depth: number): object[] => [{ type: 'thinking', thinking: depth > 0 ? thinking(depth - 1) : [] }]
    const deeper = (step: number) => Array.from({ length: 90 }, (_, at) => chunk({ content: thinking(at * step) }))
    for (const step of [3, 20]) assert.equal(foldEvents(deeper(step)).error?.code, 'upstream_invalid')
    assert.equal(foldEvents(deeper(1)).error, undefined)
  })

  it('gains nothing by deep nesting in a response, which is passed on as it came', () => {
    const response = `{"status":"completed","x":${nested(DEPTH)}}`
    const { text } = foldEvents([`{"type":"response.completed","response":${response}}`], 'responses')
    assert.equal(text, response)
  })

  it('is refused when a nested response without output would have to be written anew', () => {
    const item = '{"type":"response.output_item.done","output_index":0,"item":{}}'
    const { error } = foldEvents([item, `{"type":"response.completed","response":{"x":${nested(DEPTH)}}}`], 'responses')
    assert.equal(error?.code, 'upstream_invalid')
  })

  it('cannot number more choices or tool calls than there may be', () => {
    const calls = Array.from({ length: 1025 }, (_, at) => ({ id: `c${at}`, function: { name: 'f' } }))
    assert.equal(foldEvents(calls.map((call) => chunk({ tool_calls: [call] }))).error?.code, 'upstream_invalid')
    const choices = Array.from({ length: 1025 }, () => ({ delta: {} }))
    assert.equal(foldEvents([{ choices }]).error?.code, 'upstream_invalid')
    assert.equal(foldEvents([{ choices: choices.slice(1) }]).error, undefined)
  })

  it('may send numbers of any length', () => {
    const digits = '9'.repeat(100_000)
    const { text } = foldEvents([`{"choices":[{"index":0,"delta":{"x":${digits}}}],"created":${digits}.5e-7}`])
    assert.ok(text?.includes(`"x":${digits}}`) && text.includes(`"created":${digits}.5e-7,`))
  })

  it('does not change any prototype', () => {
    const hostile = { '["__proto__"]': { polluted: 1 }, constructor: { prototype: { polluted: 1 } } }
    const text = JSON.stringify({ ...chunk(hostile), ...hostile }).replaceAll('["__proto__"]', '__proto__')
    assert.equal(foldEvents([text, text]).error, undefined)
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
})

const long = 'x'.repeat(40)

/** Ways to let the answer grow with each event, the number of which is `at`. */
const growths: [what: string, make: (at: number) => object | string, api?: ApiName][] = [
  ['text', () => chunk({ content: 'x' })],
  ['text in parts', () => chunk({ content: [{ type: 'text', text: 'x' }] })],
  ['parts of the text', (at) => chunk({ content: [{ type: `t${at}` }] })],
  ['new members of a delta', (at) => chunk({ [`x${at}`]: 1 })],
  ['new members with long names', (at) => chunk({ [`${long}${at}`]: null })],
  ['new members of a choice', (at) => ({ choices: [{ index: 0, [`x${at}`]: 1 }] })],
  ['new objects in a choice', (at) => ({ choices: [{ index: 0, [`x${at}`]: {} }] })],
  ['new top-level members', (at) => ({ ...chunk({}), [`x${at}`]: 1 })],
  ['new members of a vendor object', (at) => ({ ...chunk({}), x_groq: { [`x${at}`]: null } })],
  ['lists of empty objects', () => chunk({ x: [{}] })],
  ['lists of numbers', () => chunk({ x: [1, 2] })],
  ['lists of numbered objects', (at) => chunk({ x: [{ index: at }] })],
  ['numbered objects that grow', () => chunk({ x: [{ index: 0, t: 'x' }] })],
  ['long numbers', (at) => `{"choices":[{"index":0,"delta":{"x${at}":${'9'.repeat(50)}}}]}`],
  ['a number that grows', (at) => `{"choices":[{"index":0,"delta":{"x":1${'0'.repeat(at)}.0}}]}`],
  ['a label that grows', (at) => chunk({ role: 'x'.repeat(at) })],
  ['a reason that grows', (at) => chunk({}, { finish: 'x'.repeat(at) })],
  ['arguments', () => chunk({ tool_calls: [{ index: 0, function: { arguments: 'x' } }] })],
  ['new members of a tool call', (at) => chunk({ tool_calls: [{ index: 0, [`x${at}`]: 1 }] })],
  ['new members of a function', (at) => chunk({ tool_calls: [{ index: 0, function: { [`x${at}`]: 1 } }] })],
  ['a legacy function call', () => chunk({ function_call: { arguments: 'x' } })],
  ['log probabilities', () => chunk({}, { logprobs: { content: [{ token: 'x' }] } })],
  ['new lists of log probabilities', (at) => chunk({}, { logprobs: { [`x${at}`]: [] } })],
  [
    'citations that are repeated with one more each time',
    (at) => ({ ...chunk({}), c: Array.from({ length: at }, () => 1) }),
  ],
  ['counts that grow', (at) => ({ ...chunk({}), usage: { x: 'x'.repeat(at) } })],
  ['messages that grow', (at) => ({ choices: [{ message: { content: 'x'.repeat(at) } }] })],
  ['messages with more members each time', (at) => ({ choices: [{ message: { x: Array(at).fill({}) } }] })],
  ['legacy text', () => ({ choices: [{ index: 0, text: 'x' }] }), 'completions'],
  ['items of a response', (at) => ({ type: 'response.output_item.done', output_index: at, item: {} }), 'responses'],
]

describe('the cap on the answer', () => {
  for (const [what, make, api = 'chat'] of growths) {
    it(`holds against ${what} without end`, () => {
      const events = Array.from({ length: 5000 }, (_, at) => make(at) as Record<string, unknown>)
      assert.equal(foldEvents(events, api, 4000).error?.code, 'upstream_too_large')
    })
  }

  it('counts the terminal event of a response', () => {
    const event = { type: 'response.completed', response: { status: 'completed', text: 'x'.repeat(4000) } }
    assert.equal(foldEvents([event], 'responses', 4000).error?.code, 'upstream_too_large')
  })

  it('does not count what every chunk repeats', () => {
    const filter = { hate: { filtered: false, severity: 'safe' } }
    const events = Array.from({ length: 5000 }, (_, at) => ({
      ...chunk({ role: 'assistant', channel: 'final', content: '', score: at }, { finish: 'stop' }),
      usage: { prompt_tokens: 1, completion_tokens: at },
      citations: ['https://one.example', 'https://two.example'],
      system_fingerprint: `fp_${at % 10}`,
      x_groq: { id: 'req' },
      obfuscation: long,
      filter,
    }))
    assert.equal(foldEvents(events, 'chat', 2000).error, undefined)
  })

  it('does not count a message whose place another has taken', () => {
    const messages = Array.from({ length: 500 }, (_, at) => {
      const calls = [{ id: `c${at}`, function: { name: 'f', arguments: { at } } }]
      return { choices: [{ message: { content: 'x'.repeat(at), tool_calls: calls, x: [{}] }, finish_reason: 'stop' }] }
    })
    const deltas = messages.map((message) => [chunk({ content: long, y: { z: {} } }), message])
    assert.equal(foldEvents(messages, 'chat', 1000).error, undefined)
    assert.equal(foldEvents(deltas.flat(), 'chat', 1000).error, undefined)
  })

  it('gains no room by messages, whatever they take the place of', () => {
    const emptied = Array.from({ length: 500 }, () => [
      chunk({ a: {}, b: {}, c: {}, d: {}, content: [{ type: 'thinking', thinking: [] }] }),
      { choices: [{ message: { content: 'x' } }] },
    ])
    assert.equal(
      foldEvents([...emptied.flat(), chunk({ content: 'x'.repeat(2000) })], 'chat', 2000).error?.code,
      'upstream_too_large',
    )
  })

  it('leaves room for about as much text as it says', () => {
    const body = (length: number) => [chunk({ content: 'x'.repeat(length) }, { finish: 'stop' })]
    assert.ok(foldEvents(body(9900), 'chat', 10_000).text)
    assert.equal(foldEvents(body(10_001), 'chat', 10_000).error?.code, 'upstream_too_large')
  })
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function* flood(event: object, bytes: number): Generator<Buffer> {
  const text = `data: ${JSON.stringify(event)}\n\n`
  const piece = text.repeat(Math.ceil(2 ** 16 / text.length))
  for (let sent = 0; sent < bytes; sent += piece.length) yield Buffer.from(piece)
}

describe('the memory that a stream takes', () => {
  for (const [what, event] of [
    ['small events', chunk({ content: 'tok ' })],
    [
      'pieces of some length, each within much else',
      { ...chunk({ content: 'a piece of some length' }), x: 'x'.repeat(4000) },
    ],
    [
      'events that have to be parsed',
      { ...chunk({ content: 'tok ' }, { index: 1 }), choices: [{}, { delta: { content: 'ab' } }] },
    ],
  ] as const) {
    it(`is a part of what was sent: 100 MB of ${what}`, () => {
      collectGarbage()
      const before = process.memoryUsage().heapUsed
      const { fold } = collect('chat', flood(event, 100e6), CAP)
      collectGarbage()
      const held = process.memoryUsage().heapUsed - before
      // The fold is used after the measurement, so that it cannot have been collected before.
      assert.ok(!fold.done && held < 50e6, `${(held / 1e6).toFixed()} MB were held`)
    }).timeout(60_000)
  }

  it('of an answer in one-byte events grows with the answer and comes out right', () => {
    const text = 'The answer, letter by letter. '.repeat(60)
    const body = Buffer.from([...text].map((content) => `data: ${JSON.stringify(chunk({ content }))}\n\n`).join(''))
    const bytes = Array.from(body, (byte) => Buffer.of(byte))
    const end = Buffer.from(`data: ${JSON.stringify(chunk({}, { finish: 'stop' }))}\n\n`)
    const answer = JSON.parse(foldChunks('chat', [...bytes, end]).text ?? '')
    assert.equal(answer.choices[0].message.content, text)
  })
})

describe('an index within an unknown list', () => {
  it('is looked for as far back as an index may count', () => {
    const items = Array.from({ length: 1024 }, (_, index) => ({ index, text: 'a' }))
    const answer = answerOf([chunk({ list: items }), chunk({ list: [{ index: 0, text: 'b' }] }, { finish: 'stop' })])
    const [choice] = (answer as { choices: { message: { list: object[] } }[] }).choices
    assert.equal(choice?.message.list.length, 1024)
    assert.deepEqual(choice?.message.list[0], { index: 0, text: 'ab' })
  })
})
