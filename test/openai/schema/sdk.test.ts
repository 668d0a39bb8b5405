import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Route } from '../../../src/facts.ts'
import { checks } from '../../../src/openai/schema/check.ts'
import { membersOf, samplesOf } from './samples.ts'

interface Api {
  route: Route
  /** The SDK's type of a request, and the interface that holds its members. */
  type: string
  base: string
  module: string
  /** Further types whose values must all be among the samples. */
  kinds: string[]
}

const apis: Api[] = [
  {
    route: '/v1/chat/completions',
    type: 'ChatCompletionCreateParams',
    base: 'ChatCompletionCreateParamsBase',
    module: 'chat/completions/completions.js',
    kinds: [
      "sdk.ChatCompletionMessageParam['role']",
      "sdk.ChatCompletionContentPart['type']",
      "sdk.ChatCompletionTool['type']",
      "sdk.ChatCompletionMessageToolCall['type']",
      "Exclude<sdk.ChatCompletionToolChoiceOption, string>['type']",
    ],
  },
  {
    route: '/v1/completions',
    type: 'CompletionCreateParams',
    base: 'CompletionCreateParamsBase',
    module: 'completions.js',
    kinds: [],
  },
  {
    route: '/v1/responses',
    type: 'ResponseCreateParams',
    base: 'ResponseCreateParamsBase',
    module: 'responses/responses.js',
    kinds: [
      "NonNullable<sdk.ResponseInputItem['type']>",
      "sdk.Tool['type']",
      "sdk.ResponseInputContent['type']",
      "sdk.ResponseFormatTextConfig['type']",
      'sdk.ResponseIncludable',
    ],
  },
  {
    route: '/v1/embeddings',
    type: 'EmbeddingCreateParams',
    base: 'EmbeddingCreateParams',
    module: 'embeddings.js',
    kinds: [],
  },
]

const root = fileURLToPath(new URL('../../..', import.meta.url))

describe("requests that the SDK's types allow", () => {
  for (const { route, type, base } of apis) {
    it(`no ${type} is refused`, () => {
      for (const body of samplesOf(type)) assert.equal(checks[route]!(body), undefined, JSON.stringify(body))
    })

    it(`null passes for every optional member of ${type}`, () => {
      const smallest = Object(samplesOf(type)[0])
      for (const name of membersOf(base).filter((member) => !(member in smallest))) {
        assert.equal(checks[route]!({ ...smallest, [name]: null }), undefined, name)
      }
    })
  }

  it('the samples are such requests, and no member and no kind is missing among them', async () => {
    assert.equal(await compile(apis), '')
  })

  it('the compiler would notice a sample of another type, and a kind without a sample', async () => {
    const [embeddings] = apis.slice(-1)
    const complaints = await compile([{ ...embeddings!, type: 'Embedding', kinds: ["'no such kind'"] }])
    assert.match(complaints, /'true' is not assignable to type 'false'/)
    assert.match(complaints, /does not exist in type 'Embedding'/)
  })
})

/** What the compiler says of a program for each API; nothing when all is well. */
async function compile(all: Api[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'samples-'))
  try {
    const files = all.map(({ base }) => join(directory, `${base}.ts`))
    await Promise.all(files.map((file, index) => writeFile(file, programFor(all[index]!))))
    const options = '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --module nodenext'
    const args = [join(root, 'node_modules/typescript/bin/tsc'), ...options.split(' '), '--types', '', ...files]
    // tsc exits with 1 when it has complaints, which are then on its standard output.
    return await promisify(execFile)(process.execPath, args).then(
      ({ stdout }) => stdout,
      ({ stdout }) => stdout,
    )
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** A program that compiles only when the samples have the type, and all members and kinds are among them. */
function programFor({ type, base, module, kinds }: Api): string {
  const samples = samplesOf(apis.find((api) => api.base === base)!.type)
  const seen = [...wordsIn(samples)].map((word) => JSON.stringify(word)).join(' | ')
  return [
    `import type * as sdk from ${JSON.stringify(join(root, 'node_modules/openai/resources', module))}`,
    `type All<T> = [Exclude<T, ${seen}>] extends [never] ? true : false`,
    ...[`keyof sdk.${base}`, ...kinds].map((kind, index) => `const all${index}: All<${kind}> = true`),
    ...samples.map((body) => `;(${JSON.stringify(body)}) satisfies sdk.${type}`),
    'export {}',
  ].join('\n')
}

/** The names of all members in `value`, and all its strings. */
function wordsIn(value: unknown, words = new Set<string>()): Set<string> {
  if (typeof value === 'string') words.add(value)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      if (!Array.isArray(value)) words.add(name)
      wordsIn(member, words)
    }
  }
  return words
}
