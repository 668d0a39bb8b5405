import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface Finished {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

/** Runs a program to its end, while this process goes on serving it. */
export async function run(command: string, args: readonly string[], { cwd }: { cwd: string }): Promise<Finished> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const [[code, signal], output, errors] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ])
  return { code: code ?? signal, output, errors }
}
