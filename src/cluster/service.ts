import type { App } from '../app.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { memoryCounters } from '../limit/memory.ts'
import { measureLoopUse } from '../overload/loop.ts'
import { createLog, type Log, type LogLevel } from '../telemetry/log.ts'
import { setOwnKeys } from '../telemetry/redact.ts'
import { shutdownTracing, spansDropped, tracingIsOn, warnTo } from '../telemetry/tracing.ts'
import { readVersion } from '../telemetry/version.ts'
import type { AppLive } from '../wiring/live.ts'
import type { BreakerMessage, Surroundings } from '../wiring/surroundings.ts'
import { keysIn } from '../wiring/whose-key.ts'
import { cpuProfile, heapSnapshot } from './diagnose.ts'
import { Front } from './front.ts'
import { warnOfV8, watchHeap } from './heap.ts'
import { whenIdle, whenRecorded } from './idle.ts'
import type { Load, Question, WorkerLive } from './messages.ts'
import { StartFailure } from './start-failure.ts'

export type CreateApp = (settings: Settings, surroundings: Surroundings) => App

export interface ServiceParts {
  readonly createApp: CreateApp
  readonly settings: Settings
  readonly slot: string
  readonly logLevel: LogLevel
  readonly clock: Clock
  /** Tells the other workers. */
  send(message: BreakerMessage): void
  onOverweight(heapUsed: number): void
}

/** At the end, the collector gets this long to take the last spans. Milliseconds. */
const flushMs = 2000

/** The log of one process. Its lines show no key that the proxy knows. Rejects with a StartFailure where LOG_DIR is of no use. */
export function openLog(settings: Settings, name: string, level: LogLevel = settings.logLevel): Promise<Log> {
  hideKeysOf([settings])
  const { logFormat: format, logDir: dir } = settings
  return createLog({ level, name, format, dir }).catch((error: unknown) => {
    if (dir === undefined || !(error instanceof Error && 'code' in error)) throw error
    throw new StartFailure(`LOG_DIR: log files cannot be written to ${dir} (${error.code}); choose another folder`)
  })
}

/** The app with its server, log and watches: all that one worker does, wherever it runs. */
export class Service {
  readonly log: Log
  private readonly parts: ServiceParts
  private readonly front: Front
  /** A reload must not give clients their minute anew. */
  private readonly counters = memoryCounters()
  private app: App
  /** The one that serves, and each that finishes what runs, with their settings: the log must show the keys of none. */
  private readonly apps = new Map<App, Settings>()
  /** The live page's own: the metrics' begins anew for each scrape. */
  private readonly useOfLoop = measureLoopUse()
  private stopHeapWatch: () => void

  private constructor(parts: ServiceParts, log: Log) {
    this.parts = parts
    this.log = log
    this.app = this.create(parts.settings)
    this.front = new Front(parts.settings, this.app.listener, parts.clock, (request) => this.app.refused(request))
    this.stopHeapWatch = this.watchHeap(parts.settings)
  }

  /** Rejects when the log cannot be opened or the app cannot be made. */
  static async open(parts: ServiceParts): Promise<Service> {
    const log = await openLog(parts.settings, `worker-${parts.slot}`, parts.logLevel)
    warnTo((fields, message) => log.logger.warn(fields, message))
    warnOfV8(parts.settings.maxHeapMb, log.logger)
    return new Service(parts, log)
  }

  /** Resolves with the port. Rejects with the system's error, such as EADDRINUSE. */
  listen(): Promise<number> {
    return this.front.listen(this.parts.settings.port, this.parts.settings.host)
  }

  load(): Load {
    const { rss, heapUsed } = process.memoryUsage()
    const { requests, errors, inFlight } = this.front
    return { requests, errors, inFlight, rss, heapUsed }
  }

  hear(message: BreakerMessage): void {
    this.app.hear(message)
  }

  async answer(question: Question): Promise<unknown> {
    switch (question.what) {
      case 'snapshot':
        return this.app.snapshot()
      case 'totals':
        return this.app.totals()
      case 'load':
        return this.load()
      case 'status':
        return { ...this.load(), ready: this.app.ready(), app: this.app.status() }
      case 'live':
        return { load: this.load(), busy: this.useOfLoop(), app: this.liveApps() } satisfies WorkerLive
      case 'heap-snapshot':
        return heapSnapshot()
      case 'cpu-profile':
        return cpuProfile(question.seconds, this.parts.clock)
    }
  }

  /**
   * Puts an app with other settings in the place of the one that serves, in the same process and on the same port.
   * What runs in the old one is finished there, however long it takes; `over` resolves when nothing is left of it.
   * Throws, and changes nothing, when the new one cannot be made.
   */
  swap(settings: Settings): { old: App; over: Promise<void> } {
    const old = this.app
    this.app = this.create(settings)
    hideKeysOf(this.apps.values())
    this.front.limit(settings)
    this.stopHeapWatch()
    this.stopHeapWatch = this.watchHeap(settings)
    this.front.serveBy(this.app.listener)
    const over = this.retire(old).finally(() => {
      this.apps.delete(old)
      hideKeysOf(this.apps.values())
    })
    return { old, over }
  }

  /** Finishes what runs, for at most `timeoutMs`; then nothing of this service is left but its log. */
  async drain(timeoutMs: number): Promise<void> {
    this.stopHeapWatch()
    // What was sent on a connection that rests is answered within the grace, or would be lost with it.
    this.app.wake()
    await this.front.drain(timeoutMs, {
      afterGrace: () => this.app.drain(),
      beforeCut: () => {
        // The grace may not be over, and a request that comes now would hear nothing.
        this.app.drain()
        for (const app of this.apps.keys()) app.endAll()
      },
    })
    await Promise.all(Array.from(this.apps.keys(), (app) => whenRecorded(app, this.parts.clock)))
  }

  /** After `drain`, and after its last snapshot has been taken. */
  async close(): Promise<void> {
    await this.app.close()
    await shutdownTracing(this.parts.clock, flushMs)
    this.log.flush()
  }

  private create(settings: Settings): App {
    const app = this.parts.createApp(settings, {
      log: this.log.logger,
      clock: this.parts.clock,
      useOfLoop: measureLoopUse(),
      counters: this.counters,
      workerId: this.parts.slot,
      version: readVersion(),
      traced: tracingIsOn(),
      spansDropped,
      send: this.parts.send,
    })
    this.apps.set(app, settings)
    return app
  }

  private watchHeap({ maxHeapMb }: Settings): () => void {
    const { clock, onOverweight } = this.parts
    return watchHeap({
      maxBytes: maxHeapMb * 1024 ** 2,
      clock,
      used: () => process.memoryUsage().heapUsed,
      idle: () => this.front.inFlight === 0,
      collect: globalThis.gc,
      onTooLarge: onOverweight,
    })
  }

  /** A stream that began before a reload is under way like any other. How the upstreams are, the newest app tells. */
  private liveApps(): AppLive {
    const { upstreams, requests, failures } = this.app.live()
    const replaced = [...this.apps.keys()].filter((app) => app !== this.app)
    const before = replaced.map((app) => app.live())
    const others = before.flatMap((app) => app.upstreams)
    const alsoAt = (name: string) => others.reduce((sum, each) => sum + (each.name === name ? each.inFlight : 0), 0)
    return {
      upstreams: upstreams.map((each) => ({ ...each, inFlight: each.inFlight + alsoAt(each.name) })),
      requests: [...requests, ...before.flatMap((app) => app.requests)],
      failures: [...failures, ...before.flatMap((app) => app.failures)],
    }
  }

  private async retire(app: App): Promise<void> {
    await whenIdle(app, this.parts.clock)
    await app.close()
  }
}

function hideKeysOf(known: Iterable<Settings>): void {
  setOwnKeys([...known].flatMap(keysIn))
}
