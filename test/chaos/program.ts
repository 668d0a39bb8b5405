import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

import { freePort } from '../support/port.ts'

export interface Program {
  readonly base: string
  /** Ends it as an operator would, and returns its exit code. */
  stop(): Promise<number | null>
}

/** Starts the whole program, cluster and all, and waits until it is ready. */
export async function startProgram(env: Readonly<Record<string, string>>): Promise<Program> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(port), ADMIN_PORT: String(adminPort), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await untilReady(`http://127.0.0.1:${port}/health/ready`, child)
  return {
    base: `http://127.0.0.1:${port}/v1`,
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode} before it was ready`)
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
