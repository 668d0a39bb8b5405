import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { errorTable } from '../../src/errors.ts'
import { blocksIn } from './blocks.ts'

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

  it('looks for the lines of every level from warn upwards, the last words of a worker among them', () => {
    const [{ code = '' } = {}] = blocksIn(page)
    const [, pattern = ''] = /journalctl .*grep -E '([^']+)'/.exec(code) ?? []
    const lines = ['debug', 'info', 'warn', 'error', 'fatal'].map((level) => `{"level":"${level}","msg":"x"}`)
    const { stdout } = spawnSync('grep', ['-E', pattern], { input: lines.join('\n'), encoding: 'utf8' })
    assert.deepEqual(stdout.trim().split('\n'), lines.slice(2))
  })
})
