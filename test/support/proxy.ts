import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import pino from 'pino'
import { type App, createApp } from '../../src/app.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { loadSettings } from '../../src/config/load.ts'
import type { LoopUse } from '../../src/overload/loop.ts'
import { describeError } from '../../src/telemetry/causes.ts'
import type { BreakerMessage } from '../../src/wiring/surroundings.ts'
import { lookForLeaks, prompt } from './leaks.ts'
import type { Upstream } from './upstream.ts'

/** One worker's application on a real socket, without the processes around it. */
export interface RunningProxy {
  readonly app: App
  /** The base address that an SDK takes: `…/v1`. */
  readonly base: string
  readonly chat: string
  readonly port: number
  /** The lines logged so far. */
  readonly lines: readonly Record<string, unknown>[]
  /** What it has told the other workers. */
  readonly told: readonly BreakerMessage[]
  /** Waits for a log line that fits. */
  line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Stops it, and returns the requests that were still under way: expect 0. */
  close(): Promise<number>
}

export interface ProxyOptions {
  readonly upstreams: readonly (Upstream | string)[]
  /** Settings by their environment names. */
  readonly env?: Readonly<Record<string, string>>
  /** The text of a CONFIG_FILE. */
  readonly config?: string
  readonly clock?: Clock
  /** How busy the event loop seems to be; idle, unless told otherwise. */
  readonly useOfLoop?: LoopUse
}

export async function startProxy({
  upstreams,
  env = {},
  config,
  clock = systemClock,
  useOfLoop = () => 0,
}: ProxyOptions): Promise<RunningProxy> {
  const lines: Record<string, unknown>[] = []
  const told: BreakerMessage[] = []
  const waiting = new Set<() => void>()
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      for (const wake of waiting) wake()
      done()
    },
  })
  const urls = upstreams.map((upstream) => (typeof upstream === 'string' ? upstream : upstream.url)).join(',')
  const app = createApp(settingsFor(urls, env, config), {
    log: pino({ level: 'debug', serializers: { err: (error) => describeError(error, true) } }, sink),
    clock,
    useOfLoop,
    workerId: '1',
    version: '0.0.0-test',
    traced: false,
    spansDropped: () => [],
    send: (message) => told.push(message),
  })
  const server = createServer(app.listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const base = `http://127.0.0.1:${port}/v1`

  async function line(fits: (line: Record<string, unknown>) => boolean) {
    for (;;) {
      const found = lines.find(fits)
      if (found) return found
      await new Promise<void>((resolve) => waiting.add(resolve))
    }
  }

  async function close() {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
    const left = app.inFlight()
    lookForLeaks('a proxy', env, JSON.stringify([lines, await app.snapshot(), app.status(), told]))
    await app.close()
    return left
  }
  return { app, base, chat: `${base}/chat/completions`, port, lines, told, line, close }
}

/** The settings that an environment, and the text of a CONFIG_FILE, come to. */
export function settingsFor(urls: string, env: Readonly<Record<string, string>>, config?: string) {
  const loaded = loadSettings({
    env: {
      ...(urls === '' ? {} : { UPSTREAM_API_URL: urls }),
      WORKERS: '0',
      ...(config === undefined ? {} : { CONFIG_FILE: 'config.yaml' }),
      ...env,
    },
    argv: [],
    readFile(path) {
      if (path === 'config.yaml' && config !== undefined) return config
      throw new Error(`no such file in this test: ${path}`)
    },
    machine: { cores: 1, terminal: false },
  })
  if ('faults' in loaded) throw new Error(loaded.faults.join('\n'))
  return loaded.settings
}

/** Posts JSON and returns the response as fetch has it. */
export function post(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export const question = { model: 'test-model', messages: [{ role: 'user', content: prompt }] }
