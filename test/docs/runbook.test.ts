import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { errorTable } from '../../src/errors.ts'

const page = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8')

function section(alert: string): string {
  return page.split(/^## /m).find((text) => text.startsWith(`${alert}\n`)) ?? ''
}

describe('docs/runbook.md', () => {
  it('tells this program’s own 5xx from those of providers, which may have any status', () => {
    const text = section('OpenaiProxyAvailabilityBurnsFast')
    const own = Object.entries(errorTable).filter(
      ([code, { status, blame }]) => status >= 500 && (blame === 'self' || code === 'no_upstream'),
    )
    for (const [code] of own) assert.ok(text.includes(`\`${code}\``), code)
    assert.doesNotMatch(text, /^- 50\d\b.*:/m, 'a status alone says nothing of whose fault it is')
  })
})
