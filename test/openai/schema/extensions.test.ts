import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Route } from '../../../src/facts.ts'
import { checks } from '../../../src/openai/schema/check.ts'

type Body = Record<string, unknown>

const hello = [{ role: 'user', content: 'hello' }]
const chat = (change: Body): Body => ({ model: 'm', messages: hello, ...change })
const part = (content: Body): Body => chat({ messages: [{ role: 'user', content: [content] }] })

/** What providers take beyond OpenAI. */
const extensions: Record<string, [Route, Body]> = {
  'Mistral: the address of a picture as a string': [
    '/v1/chat/completions',
    part({ type: 'image_url', image_url: 'https://example.com/cat.png' }),
  ],
  'Mistral: one of the tools must be called': ['/v1/chat/completions', chat({ tool_choice: 'any' })],
  'Mistral: arguments of a call as an object': [
    '/v1/chat/completions',
    chat({
      messages: [
        { role: 'assistant', content: '', tool_calls: [{ id: 'a', function: { name: 'f', arguments: { x: 1 } } }] },
      ],
    }),
  ],
  'Mistral: an answer begun for the model': [
    '/v1/chat/completions',
    chat({ messages: [...hello, { role: 'assistant', content: 'Once', prefix: true }] }),
  ],
  'OpenRouter: provider choice, transforms, reasoning': [
    '/v1/chat/completions',
    chat({ provider: { order: ['a'] }, transforms: ['middle-out'], reasoning: { effort: 'high' }, models: ['a', 'b'] }),
  ],
  'OpenRouter: a cache mark on a part of text': [
    '/v1/chat/completions',
    part({ type: 'text', text: 'long', cache_control: { type: 'ephemeral' } }),
  ],
  'DeepSeek: reasoning sent back': [
    '/v1/chat/completions',
    chat({ messages: [...hello, { role: 'assistant', content: 'a', reasoning_content: 'b' }] }),
  ],
  'DashScope: thinking switched, video parts': [
    '/v1/chat/completions',
    { ...part({ type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } }), enable_thinking: true },
  ],
  'vLLM: sampling beyond OpenAI, guided decoding': [
    '/v1/chat/completions',
    chat({ top_k: 20, min_p: 0.1, repetition_penalty: 1.1, guided_json: {}, chat_template_kwargs: { thinking: true } }),
  ],
  'vLLM: a picture that is in its cache': [
    '/v1/chat/completions',
    part({ type: 'image_url', image_url: null, uuid: 'u' }),
  ],
  'vLLM: a structural tag as the format': [
    '/v1/chat/completions',
    chat({ response_format: { type: 'structural_tag', structures: [], triggers: [] } }),
  ],
  'vLLM: embeddings in place of a prompt': ['/v1/completions', { model: 'm', prompt_embeds: 'AAAA' }],
  'vLLM: messages in place of an input': ['/v1/embeddings', { model: 'm', messages: hello }],
  'llama.cpp: a bias in pairs, no end to the answer': [
    '/v1/chat/completions',
    chat({ logit_bias: [[15043, 1]], max_tokens: -1 }),
  ],
  'llama.cpp: a token forbidden': ['/v1/completions', { model: 'm', prompt: 'a', logit_bias: { Hello: false } }],
  'Fireworks: a grammar, effort as a number': [
    '/v1/chat/completions',
    chat({ response_format: { type: 'grammar', grammar: 'root ::= "a"' }, reasoning_effort: 2048 }),
  ],
  'Together: a schema beside the type, log probabilities by number': [
    '/v1/chat/completions',
    chat({ response_format: { type: 'json_schema', schema: {} }, logprobs: 5 }),
  ],
  'Groq: another service tier': [
    '/v1/chat/completions',
    chat({ service_tier: 'on_demand', reasoning_format: 'parsed' }),
  ],
  'xAI: live search, another tool': [
    '/v1/chat/completions',
    chat({ search_parameters: { mode: 'auto' }, tools: [{ type: 'live_search', sources: [] }] }),
  ],
  'Moonshot: a tool of its own': [
    '/v1/chat/completions',
    chat({ tools: [{ type: 'builtin_function', function: { name: '$web_search' } }] }),
  ],
  'Gemini through LiteLLM: a tool without a type, nested metadata': [
    '/v1/chat/completions',
    chat({ tools: [{ googleSearch: {} }], metadata: { tags: ['a'], trace: { id: 1 } } }),
  ],
  'MiniMax: its roles, a speaker introduced by name': [
    '/v1/chat/completions',
    chat({ messages: [{ role: 'system', name: 'Ann' }, { role: 'user_system', content: 'a' }, ...hello] }),
  ],
  'Granite: its roles for switches and documents': [
    '/v1/chat/completions',
    chat({ messages: [{ role: 'control', content: 'thinking' }, { role: 'document 1', content: 'a' }, ...hello] }),
  ],
  'Perplexity: a schema without a name': [
    '/v1/chat/completions',
    chat({ response_format: { type: 'json_schema', json_schema: { schema: {} } } }),
  ],
  'Jina: pictures among the inputs, another encoding': [
    '/v1/embeddings',
    {
      model: 'm',
      input: [{ image: 'https://example.com/a.png' }, { text: 'a' }],
      encoding_format: 'ubinary',
      task: 'q',
    },
  ],
  'xAI: an MCP server without a label': [
    '/v1/responses',
    { model: 'm', input: 'a', tools: [{ type: 'mcp', server_url: 'https://example.com' }] },
  ],
  'Responses: an item and a content part of unknown kinds': [
    '/v1/responses',
    { model: 'm', input: [{ type: 'dream' }, { role: 'user', content: [{ type: 'smell', smell: 5 }] }] },
  ],
}

const requests: [Route, Body][] = [
  [
    '/v1/chat/completions',
    {
      ...part({ type: 'image_url', image_url: { url: 'u' } }),
      tools: [{ type: 'function', function: { name: 'f' } }],
      stream_options: {},
      response_format: { type: 'text' },
    },
  ],
  ['/v1/completions', { model: 'm', prompt: ['a'], stream_options: {} }],
  [
    '/v1/responses',
    {
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'a' }] }],
      tools: [{ type: 'function', name: 'f' }],
      reasoning: {},
      text: { format: { type: 'text' } },
    },
  ],
  ['/v1/embeddings', { model: 'm', input: ['a'] }],
]

describe('requests with extensions', () => {
  for (const [name, [route, body]] of Object.entries(extensions)) {
    it(name, () => assert.equal(checks[route]!(body), undefined))
  }

  it('any further member of any object passes, whatever it holds', () => {
    const member = fc.tuple(
      fc.string().map((name) => `x_${name}`),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(fc.constantFrom(...requests), member, fc.nat(), ([route, body], [name, value], nth) => {
        const extended = structuredClone(body)
        const objects = objectsIn(extended)
        objects[nth % objects.length]![name] = value
        assert.equal(checks[route]!(extended), undefined, JSON.stringify(extended))
      }),
      { numRuns: 500 },
    )
  })

  it('members named like parts of Object are data', () => {
    const body = JSON.parse(`{"model":"m","messages":[{"role":"user","content":"a","__proto__":{"role":5}}],
      "__proto__":{"messages":5},"constructor":1,"toString":2,"hasOwnProperty":3}`)
    assert.equal(checks['/v1/chat/completions']!(body), undefined)
    assert.equal(checks['/v1/chat/completions']!(JSON.parse('{"__proto__":{"model":"m"}}'))?.param, 'model')
  })
})

function objectsIn(value: unknown): Body[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  if (typeof value !== 'object' || value === null) return []
  return [value as Body, ...Object.values(value).flatMap(objectsIn)]
}
