import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { anchorsIn, linksIn } from './blocks.ts'

const repository = new URL('../../', import.meta.url)
const pages = globSync(['*.md', 'docs/**/*.md', 'bench/**/*.md', 'deploy/**/*.md', 'examples/**/*.md'], {
  cwd: repository,
})

/** What is wrong with a page's links to files of this repository; other links are not followed. */
function brokenLinks(page: string, text: string): string[] {
  return linksIn(text)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const target = new URL(link, new URL(page, repository))
      if (!existsSync(target)) return true
      const anchor = decodeURIComponent(target.hash.slice(1))
      target.hash = ''
      return anchor !== '' && !anchorsIn(readFileSync(target, 'utf8')).has(anchor)
    })
}

describe('the links of the documents', () => {
  for (const page of pages) {
    it(`lead somewhere in ${page}`, () => {
      assert.deepEqual(brokenLinks(page, readFileSync(new URL(page, repository), 'utf8')), [])
    })
  }

  it('are found broken when the file or the heading is missing', () => {
    const text = '[a](docs/nothing.md) [b](README.md#no-such-heading) [c](README.md#security) [d](https://example.com)'
    assert.deepEqual(brokenLinks('README.md', text), ['docs/nothing.md', 'README.md#no-such-heading'])
  })
})
