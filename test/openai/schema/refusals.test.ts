import assert from 'node:assert/strict'
import type { Route } from '../../../src/facts.ts'
import { checks } from '../../../src/openai/schema/check.ts'

type Body = Record<string, unknown>

const hello = [{ role: 'user', content: 'hello' }]
const picture = (image_url: unknown) => [
  ...hello,
  ...hello,
  { role: 'user', content: [{ type: 'image_url', image_url }] },
]
const call = (type: string, inner: Body) => [{ role: 'assistant', tool_calls: [{ id: 'call_1', type, ...inner }] }]

/** For each route a request that passes, and what makes it wrong: a changed member, the fault's `param`, and its cause. */
const refusals: { route: Route; base: Body; faults: [change: Body, param: string, message: RegExp][] }[] = [
  {
    route: '/v1/chat/completions',
    base: { model: 'gpt', messages: hello },
    faults: [
      [{ model: undefined }, 'model', /^Missing required parameter: 'model'\.$/],
      [{ model: '' }, 'model', /expected a string that is not empty/],
      [{ model: 5 }, 'model', /expected a string, but got an integer/],
      [{ model: null }, 'model', /expected a string, but got null/],
      [{ messages: undefined }, 'messages', /^Missing required parameter/],
      [{ messages: [] }, 'messages', /an array that is not empty/],
      [{ messages: 'hello' }, 'messages', /expected an array of objects, but got a string/],
      [{ messages: {} }, 'messages', /but got an object/],
      [{ messages: ['hello'] }, 'messages[0]', /expected an object, but got a string/],
      [{ messages: [{ content: 'hello' }] }, 'messages[0].role', /^Missing/],
      [{ messages: [{ role: 'wizard', content: '' }] }, 'messages[0].role', /expected one of 'system', 'developer'/],
      [{ messages: [{ role: 'documents', content: '' }] }, 'messages[0].role', /expected one of 'system', 'developer'/],
      [{ messages: [{ role: 1, content: '' }] }, 'messages[0].role', /expected a string, but got an integer/],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content', /^Missing/],
      [{ messages: [{ role: 'system' }] }, 'messages[0].content', /^Missing/],
      [{ messages: [{ role: 'user', content: null }] }, 'messages[0].content', /but got null/],
      [
        { messages: [...hello, { role: 'user', content: 5 }] },
        'messages[1].content',
        /expected a string or an array of objects, but got an integer instead/,
      ],
      [{ messages: [{ role: 'assistant', content: true }] }, 'messages[0].content', /but got a boolean/],
      [{ messages: [{ role: 'tool', content: '' }] }, 'messages[0].tool_call_id', /^Missing/],
      [{ messages: [{ role: 'function', content: '' }] }, 'messages[0].name', /^Missing/],
      [{ messages: [{ role: 'user', content: [{ text: 'hello' }] }] }, 'messages[0].content[0].type', /^Missing/],
      [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text', /^Missing/],
      [{ messages: picture({ url: 5 }) }, 'messages[2].content[0].image_url.url', /expected a string, but got an int/],
      [{ messages: picture({}) }, 'messages[2].content[0].image_url.url', /^Missing/],
      [{ messages: picture(undefined) }, 'messages[2].content[0].image_url', /^Missing/],
      [{ messages: call('function', {}) }, 'messages[0].tool_calls[0].function', /^Missing/],
      [{ messages: call('function', { function: {} }) }, 'messages[0].tool_calls[0].function.name', /^Missing/],
      [{ temperature: 'hot' }, 'temperature', /expected a number, but got a string/],
      [{ temperature: 2.01 }, 'temperature', /of at most 2, but got 2\.01/],
      [{ temperature: -0.1 }, 'temperature', /of at least 0, but got -0\.1/],
      [{ top_p: 1.5 }, 'top_p', /of at most 1/],
      [{ n: 0 }, 'n', /of at least 1, but got 0/],
      [{ max_tokens: -5 }, 'max_tokens', /of at least -1, but got -5/],
      [{ max_completion_tokens: -2 }, 'max_completion_tokens', /of at least -1, but got -2/],
      [{ n: 129 }, 'n', /of at most 128/],
      [{ n: 1.5 }, 'n', /expected an integer, but got a decimal/],
      [{ presence_penalty: -3 }, 'presence_penalty', /of at least -2/],
      [{ frequency_penalty: 3 }, 'frequency_penalty', /of at most 2/],
      [{ top_logprobs: 21 }, 'top_logprobs', /of at most 20/],
      [{ logprobs: 'yes' }, 'logprobs', /expected a boolean or an integer/],
      [{ max_tokens: '5' }, 'max_tokens', /expected an integer, but got a string/],
      [{ max_completion_tokens: 1.5 }, 'max_completion_tokens', /got a decimal/],
      [{ stop: [5] }, 'stop[0]', /expected a string/],
      [{ stop: 5 }, 'stop', /expected a string or an array/],
      [{ stream: 'yes' }, 'stream', /expected a boolean, but got a string/],
      [{ stream_options: true }, 'stream_options', /expected an object/],
      [{ stream_options: { include_usage: 'yes' } }, 'stream_options.include_usage', /expected a boolean/],
      [{ logit_bias: { 50256: 101 } }, 'logit_bias.50256', /of at most 100/],
      [{ user: 5 }, 'user', /expected a string/],
      [{ metadata: 'x' }, 'metadata', /expected an object/],
      [{ tools: {} }, 'tools', /expected an array of objects, but got an object/],
      [{ tools: [{}] }, 'tools[0].type', /^Missing/],
      [{ tools: [{ type: 'function' }] }, 'tools[0].function', /^Missing/],
      [{ tools: [{ function: { name: 'f' } }] }, 'tools[0].type', /^Missing/],
      [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', /^Missing/],
      [
        { tools: [{ type: 'function', function: { name: 'f', parameters: '' } }] },
        'tools[0].function.parameters',
        /object/,
      ],
      [{ tool_choice: 5 }, 'tool_choice', /expected a string or an object/],
      [{ tool_choice: { type: 'function' } }, 'tool_choice.function', /^Missing/],
      [{ response_format: 'json' }, 'response_format', /expected an object/],
      [{ response_format: {} }, 'response_format.type', /^Missing/],
      [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema', /^Missing/],
      [{ modalities: 'audio' }, 'modalities', /expected an array/],
    ],
  },
  {
    route: '/v1/completions',
    base: { model: 'gpt', prompt: 'once' },
    faults: [
      [{ model: undefined }, 'model', /^Missing/],
      [{ prompt: undefined }, 'prompt', /^Missing/],
      [{ prompt: 5 }, 'prompt', /expected a string or an array, but got an integer/],
      [{ prompt: [true] }, 'prompt[0]', /expected a string, an integer or an array/],
      [{ logprobs: 6 }, 'logprobs', /of at most 5/],
      [{ echo: 'yes' }, 'echo', /expected a boolean/],
      [{ best_of: 0 }, 'best_of', /of at least 1, but got 0/],
    ],
  },
  {
    route: '/v1/responses',
    base: { model: 'gpt', input: 'hello' },
    faults: [
      [{ model: '' }, 'model', /not empty/],
      [{ input: 5 }, 'input', /expected a string or an array of objects, but got an integer/],
      [{ input: [5] }, 'input[0]', /expected an object/],
      [{ input: [{}] }, 'input[0].id', /^Missing/],
      [{ input: [{ role: 'user' }] }, 'input[0].content', /^Missing/],
      [{ input: [{ role: 'wizard', content: '' }] }, 'input[0].role', /expected one of/],
      [
        { input: [{ type: 'message', role: 'user', content: [{ type: 'input_text' }] }] },
        'input[0].content[0].text',
        /^M/,
      ],
      [{ input: [{ type: 'function_call', name: 'f', arguments: '' }] }, 'input[0].call_id', /^Missing/],
      [{ input: [{ type: 'function_call_output', call_id: 'c' }] }, 'input[0].output', /^Missing/],
      [{ temperature: 3 }, 'temperature', /of at most 2/],
      [{ tools: [{ type: 'function' }] }, 'tools[0].name', /^Missing/],
      [{ text: { format: { type: 'json_schema' } } }, 'text.format.schema', /^Missing/],
      [{ reasoning: 'high' }, 'reasoning', /expected an object/],
      [{ max_output_tokens: -2 }, 'max_output_tokens', /of at least -1/],
      [{ max_tool_calls: -1 }, 'max_tool_calls', /of at least 0/],
      [{ max_output_tokens: 'many' }, 'max_output_tokens', /expected an integer/],
      [{ include: 'all' }, 'include', /expected an array/],
    ],
  },
  {
    route: '/v1/embeddings',
    base: { model: 'embed', input: 'hello' },
    faults: [
      [{ model: undefined }, 'model', /^Missing/],
      [{ input: undefined }, 'input', /^Missing/],
      [{ input: [] }, 'input', /an array that is not empty/],
      [{ input: 5 }, 'input', /expected a string or an array/],
      [{ dimensions: 0 }, 'dimensions', /of at least 1/],
    ],
  },
]

describe('requests that OpenAI would refuse', () => {
  it('a number that no double can hold is refused', () => {
    const fault = checks['/v1/completions']!(JSON.parse('{"model":"m","prompt":"a","seed":1e999}'))
    assert.equal(fault?.param, 'seed')
    assert.match(fault.message, /expected an integer, but got a number out of range/)
  })

  for (const { route, base, faults } of refusals) {
    it(`${route}: each fault is refused with its parameter named as OpenAI names it`, () => {
      assert.equal(checks[route]!(base), undefined, 'the request passes before it is changed')
      for (const [change, param, message] of faults) {
        // JSON knows no undefined: such a member is absent.
        const fault = checks[route]!(JSON.parse(JSON.stringify({ ...base, ...change })))
        assert.equal(fault?.param, param, JSON.stringify(change))
        assert.match(fault.message, message)
      }
    })

    it(`${route}: a body that is no object is refused as a whole`, () => {
      for (const body of [null, [], 'text', 5, true]) {
        const fault = checks[route]!(body)
        assert.equal(fault?.param, undefined)
        assert.match(fault!.message, /must be a JSON object/)
      }
    })
  }
})
