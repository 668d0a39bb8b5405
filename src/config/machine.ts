import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Sources } from './load.ts'

/** Where this process's settings come from. */
export function sourcesHere(): Sources {
  return {
    env: process.env,
    argv: process.argv.slice(2),
    readFile: (path) => readFileSync(path, 'utf8'),
    machine: { cores: availableParallelism(), terminal: process.stdout.isTTY === true },
  }
}
