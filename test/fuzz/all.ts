/**
 * Runs every fuzz target at once, each in its own process: `node test/fuzz/all.ts --seconds 60 --seed 1`.
 * The exit code is 1 when one of them found something.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now()) } },
})

async function run(file: string): Promise<number> {
  const options = ['--seconds', values.seconds, '--seed', values.seed]
  const target = spawn(process.execPath, [join(import.meta.dirname, file), ...options], { stdio: 'inherit' })
  const [code] = await once(target, 'exit')
  return code ?? 1
}

const targets = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.fuzz.ts'))
const codes = await Promise.all(targets.map(run))
process.exitCode = Math.max(...codes)
