import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ApiName } from './folding.ts'

/** What a fixture's error must be; what it leaves out may be anything. */
export interface ExpectedError {
  code: string
  status: number
  message?: string
  type?: string
  openaiCode?: string | null
  param?: string
  retryAfter?: number
}

/** A recorded body (`name.sse`) and what must come of it (`name.json`): an answer, its exact text, or an error. */
export interface Fixture {
  name: string
  body: Buffer
  api: ApiName
  /** The rule that the pair shows, as a sentence. */
  shows: string
  answer?: unknown
  text?: string
  error?: ExpectedError
}

const folder = join(import.meta.dirname, '../fixtures/fold')

export const fixtures: readonly Fixture[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({
    name: file.slice(0, -5),
    body: readFileSync(join(folder, file.replace(/json$/, 'sse'))),
    ...JSON.parse(readFileSync(join(folder, file), 'utf8')),
  }))
