import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Sources } from './load.ts'

/** Where this process's settings come from: a `.env` in the working folder stands in for what the environment lacks. */
export function sourcesHere(): Sources {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return {
    env: process.env,
    argv: process.argv.slice(2),
    readFile: (path) => readFileSync(path, 'utf8'),
    machine: { cores: availableParallelism(), terminal: process.stdout.isTTY === true },
  }
}
