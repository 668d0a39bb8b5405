// First, because what follows loads undici.
import './library/own-fetch.ts'

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createApp } from './app.ts'
import { systemClock } from './clock.ts'
import { Front, lastWordsMs } from './cluster/front.ts'
import { whenRecorded } from './cluster/idle.ts'
import { refuseRequest, targetFault } from './cluster/refuse.ts'
import type { Settings } from './config/settings.ts'
import { type ProxyOptions, settingsFrom } from './library/options.ts'
import { restoreFetch } from './library/own-fetch.ts'
import { Ports } from './library/ports.ts'
import { Requests } from './library/requests.ts'
import type { ProxyStatus } from './library/status.ts'
import { embeddedLog } from './telemetry/embedded-log.ts'
import { negotiate, write } from './telemetry/exposition.ts'
import { readVersion } from './telemetry/version.ts'
import { keysIn } from './wiring/whose-key.ts'

export type { ProxyKey, UpstreamConfig, UpstreamEntry } from './config/settings.ts'
export type { ProxyOptions } from './library/options.ts'
export type { ProxyStatus, UpstreamState } from './library/status.ts'
export type { LogLine } from './telemetry/embedded-log.ts'

restoreFetch()

/** Everything that is wrong with the options, in one error. */
export class ProxyOptionsError extends Error {
  override readonly name = 'ProxyOptionsError'
  /** A sentence for each fault, which begins with the option's name. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The options have faults:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

/** Where a proxy listens. */
export interface Listening {
  readonly port: number
  /** What an OpenAI SDK takes as its base URL: `http://127.0.0.1:3000/v1`. */
  readonly baseURL: string
}

/** A proxy within another program. Until it is closed it keeps the process alive, as a server does. */
export interface EmbeddedProxy {
  /**
   * Answers a request of any `node:http` server: `createServer(proxy.listener)`, `app.use(proxy.listener)` in Express.
   * It reads the body itself, so no parser of bodies may come before it.
   */
  readonly listener: (req: IncomingMessage, res: ServerResponse) => void
  /** Serves on a port of its own; any free one of the loopback unless told otherwise. Rejects with the system's error, or when closed. */
  listen(port?: number, host?: string): Promise<Listening>
  /** Whether requests should be sent here: it is not closing, and some upstream can be used. */
  ready(): boolean
  /** What is in flight, and each upstream with its breaker. */
  status(): ProxyStatus
  /** Its metrics as text, in the format that a scraper's `Accept` asks for. Those of the process are not among them. */
  metrics(accept?: string): Promise<{ readonly body: string; readonly contentType: string }>
  /**
   * Refuses new requests, finishes what runs, ends what still runs after `timeoutMs` (shutdownTimeoutMs), and closes
   * every connection. Nothing of the proxy is left then.
   */
  close(timeoutMs?: number): Promise<void>
}

/**
 * Makes a proxy that does nothing but what it is asked to: it reads no environment, installs no signal handlers, forks
 * nothing and logs only to `onLog`. Several may be there at once, each with its own limits, breakers and metrics.
 * @throws ProxyOptionsError with all that is wrong with the options
 */
export function createProxy(options: ProxyOptions): EmbeddedProxy {
  const checked = settingsFrom(options)
  if ('faults' in checked) throw new ProxyOptionsError(checked.faults)
  const { settings } = checked
  const app = createApp(settings, surroundings(settings, options))
  const requests = new Requests()
  const ports = new Ports(() => new Front(settings, listener, systemClock, app.refused))
  let closed: Promise<void> | undefined

  function listener(req: IncomingMessage, res: ServerResponse): void {
    requests.begin(res)
    const error = targetFault(req)
    if (!error) {
      app.listener(req, res)
      return
    }
    const id = randomUUID()
    refuseRequest(res, error, id)
    app.refused({ error, id, method: req.method, address: req.socket.remoteAddress })
  }

  async function end(timeoutMs: number): Promise<void> {
    app.drain()
    let cancel = systemClock.after(timeoutMs, () => {
      app.endAll()
      cancel = systemClock.after(lastWordsMs, () => requests.cut())
    })
    await Promise.all([requests.over(), ports.drain(timeoutMs)])
    cancel()
    await whenRecorded(app, systemClock)
    await app.close()
  }

  return {
    listener,
    async listen(port = 0, host = '127.0.0.1') {
      const actual = await ports.listen(port, host)
      return { port: actual, baseURL: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/v1` }
    },
    ready: () => app.ready(),
    status: () => app.status(),
    async metrics(accept) {
      // The process is somebody else's, and so are its memory and its event loop.
      const own = (await app.snapshot()).filter(({ name }) => !/^(process|nodejs)_/.test(name))
      return write(own, negotiate(accept))
    },
    close(timeoutMs = settings.shutdownTimeoutMs) {
      closed ??= end(timeoutMs)
      return closed
    },
  }
}

function surroundings(settings: Settings, { onLog, traced }: ProxyOptions): Parameters<typeof createApp>[1] {
  return {
    log: embeddedLog({ level: settings.logLevel, keys: keysIn(settings), onLine: onLog }),
    clock: systemClock,
    // The server may be somebody else's, with other routes on the same connections: none is made to rest.
    useOfLoop: () => 0,
    workerId: '0',
    version: readVersion(),
    traced: traced === true,
    spansDropped: () => [],
    // There are no others.
    send() {},
  }
}
