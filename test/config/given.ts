import assert from 'node:assert/strict'
import { type Loaded, loadSettings } from '../../src/config/load.ts'
import type { Settings } from '../../src/config/settings.ts'

export interface Given {
  env?: Record<string, string>
  argv?: string[]
  files?: Record<string, string>
  terminal?: boolean
}

export const url = 'http://127.0.0.1:9000/v1/chat/completions'

/** Loads settings from what a test gives and nothing else. */
export function load({ env = {}, argv = [], files = {}, terminal = false }: Given): Loaded {
  return loadSettings({
    env,
    argv,
    readFile(path) {
      const text = files[path]
      if (text !== undefined) return text
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    },
    machine: { cores: 6, terminal },
  })
}

/** The settings, which must be without fault. */
export function settingsFrom(given: Given): Settings {
  const loaded = load(given)
  if ('faults' in loaded) assert.fail(loaded.faults.join('\n'))
  return loaded.settings
}

/** The faults, of which there must be some. */
export function faultsFrom(given: Given): string[] {
  const loaded = load(given)
  assert.ok('faults' in loaded, 'these settings should have had faults')
  return loaded.faults
}
