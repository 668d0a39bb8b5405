import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../test/support/port.ts'
import { request } from './body.ts'
import { load, type Yield } from './load.ts'
import { startNginx } from './nginx.ts'
import { costOf } from './processes.ts'
import type { Target } from './targets.ts'

/** A target that answers. */
export interface Running extends Target {
  readonly url: string
  readonly pid: number
  readonly adminPort: number
  /** Until it first answered a request, milliseconds. */
  readonly startMs: number
}

export interface Round extends Yield {
  /** CPU time of the target's processes for each request, microseconds. */
  readonly cpuUs: number
  readonly rssBytes: number
}

export interface Turn {
  readonly seconds: number
  readonly connections: number
}

/**
 * A folder, nginx as the upstream, and whatever is started to be measured. Whoever opens one closes it; an interrupt from
 * the keyboard closes it too, since servers left behind would falsify the next run.
 */
export class Stand {
  readonly dir = mkdtempSync(join(tmpdir(), 'openai-proxy-bench-'))
  /** Where nginx passes on to the upstream. */
  readonly proxyPort: number
  private readonly proxyPid: number
  /** Origin of the C upstream. */
  readonly upstream: string
  /** Origin of a collector that takes spans and drops them. */
  readonly collector: string
  private readonly children = new Set<ChildProcess>()
  private readonly sink: Server
  private readonly interrupted = () => this.abandon()

  private constructor(upstreamPort: number, proxyPort: number, sink: Server) {
    this.proxyPort = proxyPort
    this.upstream = `http://127.0.0.1:${upstreamPort}`
    this.sink = sink
    const address = sink.address()
    this.collector = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    // nginx started by root reads its files as somebody else.
    chmodSync(this.dir, 0o755)
    const nginx = startNginx(this.dir, { upstream: upstreamPort, proxy: proxyPort })
    this.keep(nginx.upstream)
    this.proxyPid = this.keep(nginx.proxy).pid ?? 0
    process.once('SIGINT', this.interrupted).once('SIGTERM', this.interrupted)
  }

  static async open(): Promise<Stand> {
    const sink = createServer((req, res) => req.resume().on('end', () => res.end())).listen(0, '127.0.0.1')
    await once(sink, 'listening')
    return new Stand(await freePort(), await freePort(), sink)
  }

  /** Starts Node with these arguments; its output goes to a file named so. */
  spawn(name: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const out = openSync(join(this.dir, `${name}.log`), 'a')
    // Not the repository's folder: its .env must not decide what is measured.
    const child = spawn(process.execPath, args, { cwd: this.dir, stdio: ['ignore', out, out], ...options })
    return this.keep(child)
  }

  /** Starts a target and waits until it answers, 30 seconds at most. */
  async start(target: Target): Promise<Running> {
    const { args, env, path = '/v1/chat/completions' } = target
    if (!args) {
      const url = `http://127.0.0.1:${target.port}${path}`
      return { ...target, url, pid: this.proxyPid, adminPort: 0, startMs: await this.untilReady(target, url) }
    }
    const [port, adminPort] = [target.port ?? (await freePort()), await freePort()]
    const url = `http://127.0.0.1:${port}${path}`
    const all = { ...process.env, ...env, PORT: String(port), ADMIN_PORT: String(adminPort) }
    const child = this.spawn(String(port), args, { env: all })
    const startMs = await this.untilReady(target, url, child)
    await untilAllListen(adminPort, Number(env?.WORKERS ?? 0))
    return { ...target, url, pid: child.pid ?? 0, adminPort, startMs }
  }

  /** Loads a target for some seconds with what shall be measured. */
  async turn(target: Running, plan: Turn): Promise<Round> {
    const { url, query, connections = plan.connections } = target
    return await this.loadFor(target, query === undefined ? url : `${url}?${query}`, { ...plan, connections })
  }

  /** Loads a target for some seconds, for V8 to compile what is hot. */
  async warmUp(target: Running, plan: Turn): Promise<void> {
    await this.loadFor(target, target.url, plan)
  }

  private async loadFor(target: Running, url: string, { seconds, connections }: Turn): Promise<Round> {
    const { stream = false, headers = {}, pid } = target
    const before = costOf(pid)
    const result = await load(this.dir, { url, stream, connections, seconds, headers })
    const { cpuUs, rssBytes } = costOf(pid)
    return { ...result, cpuUs: (cpuUs - before.cpuUs) / result.requests, rssBytes }
  }

  /** Ends a target's program and all that it started; fulfilled when it is gone. nginx goes on. */
  async stop({ pid, args }: Running): Promise<void> {
    const child = [...this.children].find((one) => one.pid === pid)
    if (child && args) await this.end(child)
  }

  async close(): Promise<void> {
    process.off('SIGINT', this.interrupted).off('SIGTERM', this.interrupted)
    await Promise.all([...this.children].map((child) => this.end(child)))
    this.sink.close()
    this.sink.closeAllConnections()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** Nothing is waited for: what still runs here would fail for want of its servers, and say so at length. */
  private abandon(): void {
    for (const child of this.children) {
      // nginx must end its workers itself; a proxy's workers end with their primary, but its streams would make it drain.
      child.kill(child.spawnfile === 'nginx' ? 'SIGTERM' : 'SIGKILL')
    }
    rmSync(this.dir, { recursive: true, force: true })
    process.exit(130)
  }

  private keep(child: ChildProcess): ChildProcess {
    this.children.add(child)
    // A command that is not there; whoever waits for it to answer says so.
    child.once('error', () => this.children.delete(child))
    return child
  }

  private async end(child: ChildProcess): Promise<void> {
    this.children.delete(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill()
    // Streams that are still open would make it drain for half a minute.
    const late = setTimeout(() => child.kill('SIGKILL'), 3000)
    await ended
    clearTimeout(late)
  }

  private async untilReady(target: Target, url: string, child?: ChildProcess): Promise<number> {
    const start = performance.now()
    const { stream = false, headers } = target
    const body = JSON.stringify({ ...request, stream })
    while (performance.now() - start < 30_000 && (child?.exitCode ?? null) === null) {
      const all = { 'content-type': 'application/json', authorization: 'Bearer sk-benchmark', ...headers }
      const answer = await fetch(url, { method: 'POST', headers: all, body }).catch(() => undefined)
      await answer?.text()
      if (answer?.ok) return performance.now() - start
      await wait(20)
    }
    const said = child ? readFileSync(join(this.dir, `${URL.parse(url)?.port}.log`), 'utf8').slice(-2000) : ''
    throw new Error(`${target.name} did not answer (are nginx and wrk installed?). It said: ${said}`)
  }
}

/** The first worker that listens answers for all; a measurement that began then would be one of fewer workers. */
async function untilAllListen(adminPort: number, workers: number): Promise<void> {
  if (workers < 2) return
  for (let tries = 0; tries < 600; tries++) {
    const status = await (await fetch(`http://127.0.0.1:${adminPort}/status`)).json()
    const { workers: all } = status as { workers: { state: string }[] }
    if (all.filter(({ state }) => state === 'listening').length >= workers) return
    await wait(50)
  }
  throw new Error(`${workers} workers did not all listen within 30 s`)
}
