import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('the page about the bench', () => {
  it('has a row for every command that there is, and none for what is not there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const commands = Object.keys(scripts).filter((name) => /^bench(:|$)/.test(name))
    const rows = [...read('bench/README.md').matchAll(/^\| `npm run (\S+?)[ `]/gm)].map(([, name]) => name)
    assert.deepEqual(rows.sort(), commands.sort())
  })
})
