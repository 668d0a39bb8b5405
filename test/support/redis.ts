import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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

const missing =
  'redis-server is not installed, and these tests need a real one: apt-get install redis-server (Debian). ' +
  'Set OPENAI_PROXY_TESTS_WITHOUT_REDIS=1 to run the other tests only.'

let told = false

/**
 * Starts a Redis for a suite, to be called in its `before` hook. Without the program the suite fails with a sentence
 * that says what to do; only when the environment says so is it skipped, and then with a line that can be seen, once a run.
 */
export async function openRedis(suite: Mocha.Context): Promise<TestRedis> {
  try {
    return await startRedis()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    if (process.env.OPENAI_PROXY_TESTS_WITHOUT_REDIS !== '1') throw new Error(missing)
    if (!told) console.log('  NOT RUN: every test that needs Redis, because redis-server is not installed.')
    told = true
    return suite.skip()
  }
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free port was given.')
  return address.port
}
