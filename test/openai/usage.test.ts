import assert from 'node:assert/strict'
import type { Json } from '../../src/fold/record.ts'
import { parseExact } from '../../src/json/exact.ts'
import { readUsage } from '../../src/openai/usage.ts'

const none = { input: 0, output: 0, cached: 0, reasoning: 0 }

const cases: [what: string, usage: string, expected: object | undefined][] = [
  ["chat's counts", '{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}', { ...none, input: 3, output: 4 }],
  ["the Responses API's counts", '{"input_tokens":3,"output_tokens":4}', { ...none, input: 3, output: 4 }],
  [
    'the details of chat',
    '{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":2}}',
    { input: 9, output: 0, cached: 8, reasoning: 2 },
  ],
  [
    'the details of the Responses API',
    '{"input_tokens":9,"input_tokens_details":{"cached_tokens":8},"output_tokens_details":{"reasoning_tokens":2}}',
    { input: 9, output: 0, cached: 8, reasoning: 2 },
  ],
  ['details that are null', '{"prompt_tokens":1,"prompt_tokens_details":null}', { ...none, input: 1 }],
  [
    'a total that is more, as of reasoning that is not among the output',
    '{"prompt_tokens":10,"completion_tokens":5,"total_tokens":515}',
    { ...none, input: 10, output: 5, total: 515 },
  ],
  ['a total alone', '{"total_tokens":100}', { ...none, total: 100 }],
  ['a total that is less', '{"prompt_tokens":10,"total_tokens":5}', { ...none, input: 10 }],
  ['zeros', '{"prompt_tokens":0,"completion_tokens":0}', none],
  [
    'counts written as fractions',
    '{"prompt_tokens":12.0,"completion_tokens":1e2}',
    { ...none, input: 12, output: 100 },
  ],
  [
    'counts that are none',
    '{"prompt_tokens":-5,"completion_tokens":1.5,"input_tokens":"7","output_tokens":1e99}',
    none,
  ],
  ['no counts', '{}', undefined],
  ['null', 'null', undefined],
  ['a number', '7', undefined],
  ['a list', '[1]', undefined],
]

describe('the token counts of an answer', () => {
  for (const [what, usage, expected] of cases) {
    it(`are read from ${what}`, () => assert.deepEqual(readUsage(parseExact(usage) as Json), expected))
  }

  it('are not looked for where there is no usage', () => assert.equal(readUsage(undefined), undefined))
})
