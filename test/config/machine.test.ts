import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sourcesHere } from '../../src/config/machine.ts'

describe('a .env file in the working folder', () => {
  const before = process.cwd()
  const names = ['LOG_LEVEL', 'MAX_ATTEMPTS'] as const
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'openai-proxy-env-'))
    process.chdir(folder)
    for (const name of names) delete process.env[name]
  })

  afterEach(() => {
    process.chdir(before)
    rmSync(folder, { recursive: true })
    for (const name of names) delete process.env[name]
  })

  it('gives what the environment lacks, and nothing else', () => {
    process.env.LOG_LEVEL = 'warn'
    writeFileSync('.env', 'LOG_LEVEL=debug\nMAX_ATTEMPTS=2\n')
    const { env } = sourcesHere()
    assert.equal(env.LOG_LEVEL, 'warn')
    assert.equal(env.MAX_ATTEMPTS, '2')
  })

  it('may be missing', () => {
    assert.equal(sourcesHere().env.MAX_ATTEMPTS, undefined)
  })
})
