import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadSettings } from '../../src/config/load.ts'
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

  it('may begin with the mark that some editors write', () => {
    writeFileSync('.env', '\uFEFFMAX_ATTEMPTS=2\r\nLOG_LEVEL=debug\r\n')
    const { env } = sourcesHere()
    assert.deepEqual([env.MAX_ATTEMPTS, env.LOG_LEVEL], ['2', 'debug'])
  })

  it('is a fault of the settings where it cannot be read', () => {
    mkdirSync('.env')
    const loaded = loadSettings({ ...sourcesHere(), argv: [] })
    assert.match('faults' in loaded ? (loaded.faults[0] ?? '') : '', /^\.env: cannot read \/.*\/\.env \(EISDIR\)$/)
  })

  it('may be missing', () => {
    assert.equal(sourcesHere().env.MAX_ATTEMPTS, undefined)
  })
})
