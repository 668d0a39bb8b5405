import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ApiName } from './folding.ts'

type Fields = Record<string, unknown>

/** What is expected of a recorded stream. */
export interface Expected {
  /** OpenAI's own members. Absent and null are the same. */
  standard?: Fields
  /** The values that identity members may have; none means that they must be absent. */
  accept?: Record<string, unknown[]>
  /** Members that OpenAI does not have. */
  extension?: { top: Fields; choices: Record<string, { choice?: Fields; message?: Fields }> }
  response?: unknown
  acceptResponse?: unknown[]
  error?: boolean
  /** What the error may say; anything where there is none. */
  messages?: string[]
}

export interface Sample {
  file: string
  api: ApiName
  body: Buffer
  expected: Expected
}

/** Recordings of real providers, which are not this project's to publish: they lie beside it where they are at hand. */
const folder = join(import.meta.dirname, '../../../shared/streams')

export function loadSamples(): Sample[] {
  const index = join(folder, 'index.json')
  if (!existsSync(index)) return []
  const entries: { file: string; api: ApiName }[] = JSON.parse(readFileSync(index, 'utf8'))
  return entries.map(({ file, api }) => ({
    file,
    api,
    body: readFileSync(join(folder, file)),
    expected: JSON.parse(readFileSync(join(folder, file.replace(/\.sse$/, '.expected.json')), 'utf8')),
  }))
}
