import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { lookForLeaks } from '../support/leaks.ts'
import { readLogLine } from '../support/log-line.ts'

/** A line of the program's log. */
export type Line = Readonly<Record<string, unknown>>

export interface Program {
  readonly pid: number
  /** Only once it is ready. */
  readonly port: number
  readonly adminPort: number
  readonly lines: readonly Line[]
  /** Everything that it wrote to standard error. */
  readonly stderr: string
  /** Fulfilled with its exit code or signal when it has ended. */
  readonly ended: Promise<number | string>
  /** Waits for the first line from number `from` on that fits; fails when the program ends before. */
  line(fits: (line: Line) => boolean, from?: number): Promise<Line>
  signal(name: NodeJS.Signals): void
  /** Asks the admin port. */
  admin(method: string, path: string, init?: RequestInit): Promise<Response>
  /** The workers as `GET /status` shows them. */
  workers(): Promise<WorkerStatus[]>
}

export interface WorkerStatus {
  worker: string
  pid: number
  state: string
  inFlight: number
  requests: number
  app: Record<string, unknown>
}

export interface ProgramOptions {
  env?: Record<string, string>
  argv?: string[]
  /** Relative to the repository; the program itself without it. */
  entry?: string
  /** With a channel, as PM2 starts it. */
  channel?: boolean
}

const root = new URL('../../', import.meta.url)
const running = new Set<ChildProcess>()

/** Runs the program in processes of its own, with an environment that only the test decides. */
export function runProgram({ env = {}, argv = [], entry = 'src/main.ts', channel = false }: ProgramOptions): Started {
  const child = spawn(process.execPath, [fileURLToPath(new URL(entry, root)), ...argv], {
    // Not the repository's folder: the .env of whoever runs the tests must not decide them.
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', LOG_FORMAT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(channel ? ['ipc' as const] : [])],
  })
  running.add(child)
  const started = new Started(child)
  started.ended.then(() => lookForLeaks('a program', env, started.stderr + JSON.stringify(started.lines)))
  return started
}

/** Runs it and waits until it serves. */
export async function startProgram(options: ProgramOptions): Promise<Started> {
  const program = runProgram(options)
  await program.line(({ msg }) => msg === 'ready')
  return program
}

/** Ends every program that a test left behind. */
export async function endPrograms(): Promise<void> {
  for (const child of running) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    running.delete(child)
  }
}

export class Started implements Program {
  readonly child: ChildProcess
  readonly lines: Line[] = []
  readonly ended: Promise<number | string>
  stderr = ''
  private hasEnded = false
  private readonly waiting = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.child = child
    createInterface({ input: child.stdout! }).on('line', (text) => {
      this.lines.push(text.startsWith('{') ? readLogLine(text) : { text })
      this.wake()
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    // 'close', not 'exit': by then everything that it wrote has been read.
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.hasEnded = true
      this.wake()
      return signal ?? code
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get port(): number {
    return this.ready('port')
  }

  get adminPort(): number {
    return this.ready('admin_port')
  }

  async line(fits: (line: Line) => boolean, from = 0): Promise<Line> {
    for (;;) {
      const found = this.lines.slice(from).find(fits)
      if (found) return found
      if (this.hasEnded) throw new Error(`the program ended; it said: ${this.stderr}${JSON.stringify(this.lines)}`)
      await new Promise<void>((resolve) => this.waiting.add(resolve))
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  admin(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.adminPort}${path}`, { method, ...init })
  }

  async workers(): Promise<WorkerStatus[]> {
    const status = (await (await this.admin('GET', '/status')).json()) as { workers: WorkerStatus[] }
    return status.workers
  }

  private ready(member: string): number {
    return Number(this.lines.find(({ msg }) => msg === 'ready')?.[member])
  }

  private wake(): void {
    for (const wake of this.waiting) wake()
    this.waiting.clear()
  }
}
