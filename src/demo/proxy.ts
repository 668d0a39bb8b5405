import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

type Environment = Readonly<Record<string, string | undefined>>

/** A line of the proxy's log. */
export type LogLine = Readonly<Record<string, unknown>>

/** The proxy in a process of its own, as `npm start` would run it. */
export interface DemoProxy {
  /** The base address that an SDK takes: `…/v1`. */
  readonly base: string
  /** Where metrics and status are. */
  readonly admin: string
  /** Settles when the process has ended, whoever ended it. */
  readonly ended: Promise<void>
  /** Lets it finish what runs, and end. */
  stop(): Promise<void>
}

// `.ts` when run from `src/`, `.js` from `dist/`.
const extension = extname(import.meta.url)
const program = fileURLToPath(new URL(`../main${extension}`, import.meta.url))
const follow = new URL(`./follow${extension}`, import.meta.url).href

/**
 * Starts the proxy in front of one upstream, on ports 3000 and 9464 where those are free.
 * Rejects when it does not start; what it says about that goes to standard error.
 */
export async function startProxy(upstream: string, env: Environment, log: (line: LogLine) => void): Promise<DemoProxy> {
  const child = spawn(process.execPath, ['--import', follow, program], {
    env: await environment(upstream, env),
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    // Ctrl-C in a terminal reaches the whole group: outside of it, the proxy is stopped once and not twice.
    detached: true,
  })
  const ended = once(child, 'exit').then(() => {})
  const { port, admin_port: adminPort } = await ready(child, ended, log)
  return {
    base: `http://127.0.0.1:${port}/v1`,
    admin: `http://127.0.0.1:${adminPort}`,
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Resolves with the log line that says where it listens. */
function ready(child: ChildProcess, ended: Promise<void>, log: (line: LogLine) => void): Promise<LogLine> {
  return new Promise((resolve, reject) => {
    ended.then(() => reject(new Error('The proxy ended before it was ready.')), reject)
    if (!child.stdout) return reject(new TypeError('the proxy has no standard output'))
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line: LogLine = JSON.parse(text)
      if (line.msg === 'ready') resolve(line)
      else log(line)
    })
  })
}

/** Of the caller's environment only what Node and OpenTelemetry read: a setting of their own proxy must not show here. */
const inherited = /^(NODE_|OTEL_|PATH$|HOME$|TMPDIR$|TEMP$|SYSTEMROOT$)/i

async function environment(upstream: string, env: Environment): Promise<Record<string, string>> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && inherited.test(name) ? [[name, value] as const] : [],
  )
  return {
    ...Object.fromEntries(kept),
    UPSTREAM_API_URL: upstream,
    HOST: '127.0.0.1',
    PORT: await freePort(env.PORT, 3000),
    ADMIN_PORT: await freePort(env.ADMIN_PORT, 9464),
    WORKERS: '0',
    LOG_FORMAT: 'json',
    STATS_INTERVAL_MS: '0',
    SHUTDOWN_TIMEOUT_MS: '2000',
  }
}

/** The port that is wanted, or 0 for any where that one is taken. */
async function freePort(wanted: string | undefined, usual: number): Promise<string> {
  const port = Number(wanted ?? usual)
  return Number.isInteger(port) && (await isFree(port)) ? String(port) : '0'
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
