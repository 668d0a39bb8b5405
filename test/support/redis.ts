import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { need } from './need.ts'
import { freePort } from './port.ts'

/** A Redis of the test's own: empty, on a free port, with its own directory. */
export interface TestRedis {
  readonly url: string
  /** Ends the server; what it held is lost. Resolves when the port is closed. */
  stop(): Promise<void>
  /** Starts it again on the same port. Resolves when it answers. */
  start(): Promise<void>
  /** Stops the process without closing its connections, as a machine that hangs would look. */
  freeze(): void
  thaw(): void
  /** Ends the server, however it is, and removes its directory. */
  close(): Promise<void>
}

/** Starts a Redis for a suite, to be called in its `before` hook; see `need` for what happens where there is none. */
export async function openRedis(suite: Mocha.Context): Promise<TestRedis> {
  need(suite, { command: 'redis-server', brings: 'redis-server', without: 'OPENAI_PROXY_TESTS_WITHOUT_REDIS' })
  return startRedis()
}

async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'openai-proxy-redis-'))
  let server: ChildProcess | undefined

  const start = async () => {
    server = await run(port, directory)
  }
  // A test run that crashes must not leave a server behind.
  const abandon = () => server?.kill('SIGKILL')
  process.once('exit', abandon)
  const stop = async () => {
    const ending = server
    server = undefined
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = once(ending, 'exit')
    // SIGKILL also ends a frozen process, and nothing needs saving.
    ending.kill('SIGKILL')
    await ended
  }
  const close = async () => {
    await stop()
    process.off('exit', abandon)
    await rm(directory, { recursive: true, force: true })
  }
  await start().catch(async (error) => {
    await close()
    throw error
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    freeze: () => server?.kill('SIGSTOP'),
    thaw: () => server?.kill('SIGCONT'),
    close,
  }
}

/** Rejects with ENOENT when the program is not installed, or with what it printed when it ends instead of starting. */
async function run(port: number, directory: string): Promise<ChildProcess> {
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`redis-server ended at once: ${printed}`)))
    server.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      if (printed.includes('Ready to accept connections')) resolve()
    })
  })
  server.removeAllListeners('exit')
  return server
}
