import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url))

/** The demo as a process of its own, on free ports unless `env` says others. */
export interface RunningDemo {
  readonly child: ChildProcess
  /** What it has written so far. */
  readonly output: string
  readonly errors: string
  /** Waits until it has written what fits, and returns the match. Fails when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export function startDemo(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningDemo {
  return follow(spawn(process.execPath, [program, ...args], { env: environment(env) }))
}

/** The same in a terminal of that many columns, as `script` makes one. */
export function startDemoInTerminal(
  columns: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningDemo {
  const command = `stty cols ${columns} rows 50; '${process.execPath}' '${program}' ${args.join(' ')}`
  // util-linux takes the command as an option, the BSDs and macOS as arguments.
  const options =
    process.platform === 'linux' ? ['-qec', command, '/dev/null'] : ['-q', '/dev/null', 'sh', '-c', command]
  return follow(spawn('script', options, { env: environment({ TERM: 'xterm-256color', ...env }) }))
}

function environment(env: Readonly<Record<string, string>>): Record<string, string> {
  return { PATH: process.env.PATH ?? '', PORT: '0', ADMIN_PORT: '0', ...env }
}

function follow(child: ChildProcess): RunningDemo {
  const written = { output: '', errors: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written.output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    written.errors += text
  })
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  return {
    child,
    ended,
    get output() {
      return written.output
    },
    get errors() {
      return written.errors
    },
    async says(pattern) {
      for (;;) {
        const found = pattern.exec(written.output)
        if (found) return found
        const end = await Promise.race([child.stdout && once(child.stdout, 'data').then(() => undefined), ended])
        if (end !== undefined) throw new Error(`ended with ${end} before it said ${pattern}: ${written.errors}`)
      }
    },
  }
}
