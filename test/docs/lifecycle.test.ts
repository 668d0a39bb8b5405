import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { errorTable } from '../../src/errors.ts'
import { stageTable } from '../../src/telemetry/span-table.ts'
import { readSources } from '../support/sources.ts'

const page = readFileSync(new URL('../../docs/lifecycle.md', import.meta.url), 'utf8')
const [introduction = '', ...sections] = page.split(/^## /m)
const stages = sections.map((section) => {
  const [name = '', ...rest] = section.split('\n')
  return { name, text: rest.join('\n') }
})

/** Where the errors of a stage are thrown. */
const origins: Readonly<Record<string, RegExp>> = {
  shed: /^src\/middleware\/shed\.ts$/,
  access: /^src\/middleware\/access\.ts$/,
  limit: /^src\/middleware\/limit\.ts$/,
  validate: /^src\/middleware\/(validate|body)\.ts$/,
  forward: /^src\/(upstream\/|exchange\/|openai\/answer\.ts$)/,
  fold: /^src\/(fold\/|sse\/|openai\/(?!answer\.ts$))/,
}

const sources = readSources('src')

function thrownIn(files: RegExp): string[] {
  const found = sources
    .filter(({ path }) => files.test(path))
    .flatMap(({ code }) => [...code.matchAll(/\bProxyError\('(\w+)'/g)].map(([, name]) => name ?? ''))
  return [...new Set(found)].sort()
}

/** The codes that a section's "May answer" names. */
function promisedIn(text: string): string[] {
  const [, sentence = ''] = /^May answer: (.*?)\.$/ms.exec(text) ?? []
  return codesIn(sentence).sort()
}

function codesIn(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].flatMap(([, name = '']) => (Object.hasOwn(errorTable, name) ? [name] : []))
}

describe('docs/lifecycle.md', () => {
  it('has the stages as headings, in their order', () => {
    assert.deepEqual(
      stages.map(({ name }) => name),
      Object.keys(stageTable),
    )
  })

  for (const [stage, files] of Object.entries(origins)) {
    it(`names the errors that ${stage} can answer with, and no others`, () => {
      const text = stages.find(({ name }) => name === stage)?.text ?? ''
      assert.notDeepEqual(promisedIn(text), [])
      assert.deepEqual(promisedIn(text), thrownIn(files))
    })
  }

  it('says for every stage what it may answer', () => {
    for (const { name, text } of stages) assert.match(text, /^May answer: /m, name)
  })

  it('names the errors that are answered before the first stage', () => {
    const before = thrownIn(/^src\/cluster\/refuse\.ts$/)
    for (const code of before) assert.ok(codesIn(introduction).includes(code), code)
  })

  it('has a place for every error that there is', () => {
    assert.deepEqual([...new Set(codesIn(page))].sort(), Object.keys(errorTable).sort())
  })
})
