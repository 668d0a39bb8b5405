import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8')

describe('CONTRIBUTING.md', () => {
  it('says of everything in src/ what it is for', () => {
    const entries = readdirSync(new URL('src', root), { withFileTypes: true })
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    const rows = page.split('\n').filter((line) => line.startsWith('| `'))
    for (const name of names)
      assert.ok(
        rows.some((row) => row.includes(`\`${name}\``)),
        name,
      )
  })
})
