import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { JsonObject } from '../../src/fold/record.ts'
import { renderResponse } from '../../src/openai/render-responses.ts'
import { responses } from '../../src/openai/responses.ts'
import { chunksOf, clientOf, eventsOf, foldOf } from './rendered.ts'

const usage = { input_tokens: 1, output_tokens: 2, total_tokens: 3 }

function answer(output: unknown, rest: JsonObject = {}): JsonObject {
  const value = { id: 'resp_1', object: 'response', created_at: 1, status: 'completed', error: null, ...rest }
  return JSON.parse(JSON.stringify({ ...value, model: 'm', output, usage }))
}

const text = fc.string({ unit: 'binary', maxLength: 400, size: 'max' })
const entry = fc.record({
  token: text,
  logprob: fc.integer({ max: 0 }),
  bytes: fc.constant([1]),
  top_logprobs: fc.constant([]),
})
const annotation = fc.record({ type: fc.constant('url_citation'), url: text, title: text, start_index: fc.nat() })
const part = fc.oneof(
  fc.record({
    type: fc.constant('output_text'),
    text,
    annotations: fc.array(annotation, { maxLength: 3 }),
    logprobs: fc.array(entry, { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('refusal'), refusal: text }),
)
const status = fc.constantFrom('completed', 'incomplete')
const item = fc.oneof(
  fc.record({
    type: fc.constant('message'),
    role: fc.constant('assistant'),
    status,
    content: fc.array(part, { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('function_call'), status, name: fc.constant('f'), arguments: text }),
  fc.record({ type: fc.constant('custom_tool_call'), name: fc.constant('c'), input: text }),
  fc.record({
    type: fc.constant('reasoning'),
    summary: fc.array(fc.record({ type: fc.constant('summary_text'), text })),
  }),
  fc.record({ type: fc.constant('web_search_call'), status, action: fc.constant({ type: 'search', query: 'q' }) }),
)
const outputs = fc
  .array(item, { maxLength: 4 })
  .map((items) => items.map((made, at) => ({ id: `item_${at}`, call_id: `call_${at}`, ...made })))

/** What OpenAI's client adds to an answer of its own accord. */
const added = new Set(['parsed', 'parsed_arguments', 'output_parsed', 'output_text'])

function withoutAdded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (name, member) => (added.has(name) ? undefined : member)))
}

/** What OpenAI's client gathers from a stream. */
async function gathered(body: string): Promise<JsonObject> {
  const stream = clientOf(body).responses.stream({ model: 'm', input: '' })
  return withoutAdded(await stream.finalResponse()) as JsonObject
}

/** The stream up to its last event, which would bring the whole answer once more. */
const withoutEnd = (body: string) => body.slice(0, body.lastIndexOf('event: '))

const written = (name: string, data: string) => `event: ${name}\ndata: ${data}\n\n`

const typesOf = (body: string) => chunksOf(body).map(({ type }) => type)

describe('rendering a response as a stream', () => {
  it('is gathered by OpenAI’s own client to the answer that it was', async () => {
    await fc.assert(
      fc.asyncProperty(outputs, status, async (output, ending) => {
        const value = answer(output, { status: ending })
        assert.deepEqual(await gathered(renderResponse(value)), value)
      }),
    )
  })

  it('has said all of the output before its last event', async () => {
    await fc.assert(
      fc.asyncProperty(outputs, async (output) => {
        const body = withoutEnd(renderResponse(answer(output)))
        assert.deepEqual((await gathered(body)).output, answer(output).output)
      }),
    )
  })

  it('says by its pieces alone what the finished items say', async () => {
    await fc.assert(
      fc.asyncProperty(outputs, async (output) => {
        const body = renderResponse(answer(output))
        const pieces = eventsOf(withoutEnd(body)).filter(
          ({ name }) => !/(text|input|arguments|refusal|part|item)\.done$/.test(name),
        )
        const stream = pieces.map(({ name, data }) => written(name, data)).join('')
        const expected = (answer(output).output as JsonObject[]).map((one) =>
          'status' in one ? { ...one, status: 'in_progress' } : one,
        )
        assert.deepEqual((await gathered(stream)).output, expected)
      }),
    )
  })

  it('is folded by this proxy to the answer that it was', () => {
    fc.assert(
      fc.property(outputs, (output) => {
        assert.deepEqual(foldOf(responses, renderResponse(answer(output))), answer(output))
      }),
    )
  })

  it('is folded by this proxy from its pieces alone', () => {
    fc.assert(
      fc.property(outputs, (output) => {
        const pieces = eventsOf(renderResponse(answer(output))).filter(
          ({ name }) => !/(text|input|arguments|refusal|part|item)\.done$/.test(name),
        )
        const stream = pieces.map(({ name, data }) =>
          name === 'response.completed' ? written(name, JSON.stringify({ response: answer([]) })) : written(name, data),
        )
        const whole = (answer(output).output as JsonObject[]).map((one) =>
          'status' in one ? { ...one, status: 'completed' } : one,
        )
        assert.deepEqual(foldOf(responses, stream.join('')), answer(whole))
      }),
    )
  })

  it('numbers its events and names them twice', () => {
    const body = renderResponse(answer([{ id: 'a', type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }]))
    for (const [at, { name, data }] of eventsOf(body).entries()) {
      const { type, sequence_number: number } = JSON.parse(data)
      assert.deepEqual([name, number], [type, at])
    }
    assert.deepEqual(typesOf(body), [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
  })

  it('gives a message part by part', () => {
    const content = [
      { type: 'output_text', text: 'hi', annotations: [{ type: 'x' }] },
      { type: 'refusal', refusal: 'no' },
      { type: 'new', a: 1 },
      'noise',
    ]
    const body = renderResponse(answer([{ id: 'a', type: 'message', role: 'assistant', content }, 'noise']))
    assert.deepEqual(typesOf(body).slice(3, -2), [
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.annotation.added',
      'response.output_text.done',
      'response.content_part.done',
      'response.content_part.added',
      'response.refusal.delta',
      'response.refusal.done',
      'response.content_part.done',
      'response.content_part.added',
      'response.content_part.done',
    ])
  })

  it('begins with a response that knows neither output nor usage nor how it will end', () => {
    const rest = { incomplete_details: { reason: 'max_output_tokens' }, completed_at: 9, status: 'incomplete' }
    const [created, , last] = chunksOf(renderResponse(answer([], rest)))
    const unknown = { incomplete_details: null, completed_at: null, usage: null, status: 'in_progress', output: [] }
    assert.deepEqual(created?.response, { ...answer([], rest), ...unknown })
    assert.equal(last?.type, 'response.incomplete')
    assert.doesNotMatch(renderResponse(answer([])), /completed_at/)
  })

  it('ends as the response did', () => {
    const last = (ending: string) => typesOf(renderResponse(answer([], { status: ending }))).at(-1)
    assert.equal(last('completed'), 'response.completed')
    assert.equal(last('incomplete'), 'response.incomplete')
    assert.equal(last('cancelled'), 'response.incomplete')
    assert.equal(last('failed'), 'response.failed')
  })

  it('only adds and ends items that have no id, or whose content is not what their type says', () => {
    const odd = [
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
      { id: 'b', type: 'function_call', arguments: { a: 1 } },
      { id: 'c', type: 'custom_tool_call' },
      { id: 'd', type: 'message', content: 'hi' },
    ]
    const types = typesOf(renderResponse(answer(odd))).slice(2, -1)
    assert.deepEqual(
      types,
      odd.flatMap(() => ['response.output_item.added', 'response.output_item.done']),
    )
  })

  it('makes a stream of a response without output', () => {
    assert.deepEqual(typesOf(renderResponse({ id: 'x' })), [
      'response.created',
      'response.in_progress',
      'response.completed',
    ])
  })
})
