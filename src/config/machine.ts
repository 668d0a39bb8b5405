import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { readText } from './file.ts'
import type { Sources } from './load.ts'

/** Where this process's settings come from: a `.env` in the working folder stands in for what the environment lacks. */
export function sourcesHere(): Sources {
  const readFile = (path: string) => readFileSync(path, 'utf8')
  // Not by Node's own loadEnvFile: it throws at a folder of this name, as Docker makes for a file that is not there, and
  // takes the mark at the beginning that some editors write for a part of the first name.
  const { text, fault } = existsSync('.env') ? readText('.env', resolve('.env'), readFile) : { text: '' }
  for (const [name, value] of Object.entries(parseEnv(text.replace(/^\uFEFF/, '')))) process.env[name] ??= value
  return {
    env: process.env,
    argv: process.argv.slice(2),
    readFile,
    machine: { cores: availableParallelism(), terminal: process.stdout.isTTY === true },
    ...(fault !== undefined && { fault }),
  }
}
