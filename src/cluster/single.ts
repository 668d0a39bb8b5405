import type { App } from '../app.ts'
import { systemClock } from '../clock.ts'
import type { Loaded } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import type { ExpositionFormat } from '../telemetry/exposition.ts'
import type { LogLevel } from '../telemetry/log.ts'
import { createMetricsWithoutPrimary } from '../telemetry/metrics.ts'
import { modelsOf } from '../wiring/upstreams.ts'
import type { Look } from './control.ts'
import { askLive, Ledger } from './ledger.ts'
import type { Load, Question } from './messages.ts'
import type { Program } from './program.ts'
import { Reloader } from './reload.ts'
import { type CreateApp, Service } from './service.ts'
import { describeStartFailure, StartFailure } from './start-failure.ts'
import type { WorkerLoad } from './stats.ts'

/** The only worker's name. */
const slot = '0'

/** WORKERS=0: the one worker and who speaks for it, in one process. */
export class Single implements Program {
  settings: Settings
  readonly service: Service
  private readonly ledger = new Ledger()
  private readonly primary = createMetricsWithoutPrimary()
  private readonly reloader: Reloader
  private apps = 1
  /** Apps that finish what runs, though others have taken their place, by the names in the ledger. */
  private readonly replaced = new Map<string, App>()
  private level: LogLevel

  private constructor(settings: Settings, service: Service, load: () => Loaded) {
    this.settings = settings
    this.service = service
    this.level = settings.logLevel
    this.ledger.know(modelsOf(settings))
    this.reloader = new Reloader({
      log: service.log.logger,
      load,
      current: () => this.settings,
      obstacles: (changed) => this.obstacles(changed),
      apply: (changed) => this.apply(changed),
    })
  }

  /** Rejects when the log cannot be opened or the app cannot be made. */
  static async open(settings: Settings, load: () => Loaded, createApp: CreateApp): Promise<Single> {
    const service = await Service.open({
      createApp,
      settings,
      slot,
      logLevel: settings.logLevel,
      clock: systemClock,
      send() {},
      onOverweight: () => service.log.logger.warn('the heap is over MAX_HEAP_MB; WORKERS=0 has nobody to replace it'),
    })
    return new Single(settings, service, load)
  }

  get log() {
    return this.service.log
  }

  async start(): Promise<number> {
    try {
      return await this.service.listen()
    } catch (error) {
      throw new StartFailure(describeStartFailure(error, this.settings))
    }
  }

  async stop(): Promise<void> {
    await this.service.drain(this.settings.shutdownTimeoutMs)
    await this.service.close()
  }

  /** There is no other process; but after a start that failed, what the app waits for would keep this one alive. */
  kill(): void {
    this.service
      .drain(0)
      .then(() => this.service.close())
      .catch((error: unknown) => this.log.logger.error({ err: error }, 'the process did not end as it should'))
  }

  reload(): Promise<string[]> {
    return this.reloader.run()
  }

  setLevel(level: LogLevel): void {
    this.level = level
    this.log.setLevel(level)
  }

  workers(): string[] {
    return [slot]
  }

  ask(_worker: string, question: Question): Promise<unknown> {
    return this.service.answer(question)
  }

  async metrics(format: ExpositionFormat): Promise<{ body: string; contentType: string }> {
    await this.ledger.collect([this.counting()])
    await this.countReplaced()
    this.ledger.takeMetrics('primary', await this.primary.snapshot())
    return this.ledger.text(format)
  }

  async status(): Promise<object> {
    const uptime = Math.floor(process.uptime())
    const answer = await this.service.answer({ what: 'status' })
    const worker = { worker: slot, pid: process.pid, state: 'listening', uptime_seconds: uptime }
    const workers = [{ ...worker, ...(typeof answer === 'object' ? answer : {}) }]
    return { pid: process.pid, uptime_seconds: uptime, log_level: this.level, workers }
  }

  async look(): Promise<Look> {
    const counting = this.counting()
    const [live] = await Promise.all([askLive(counting), this.ledger.count([counting]), this.countReplaced()])
    const uptime = Math.floor(process.uptime())
    return {
      workers: [{ worker: slot, pid: process.pid, state: 'listening', uptime, live }],
      metrics: this.ledger.merged(),
    }
  }

  async loads(): Promise<WorkerLoad[]> {
    await this.ledger.count([this.counting()])
    return this.ledger.lastLoads([this.counting()])
  }

  gone(): Load {
    return this.ledger.gone
  }

  /** The app that serves now; after a reload another one counts, and totals of both must add up. */
  private counting() {
    return {
      id: `${slot}.${this.apps}`,
      slot,
      pid: process.pid,
      ask: (question: Question) => this.service.answer(question),
    }
  }

  private async countReplaced(): Promise<void> {
    await Promise.all(this.replaced.entries().map(([id, app]) => this.ledger.takeReplaced(id, app)))
  }

  private obstacles(changed: Settings): string[] {
    const names = ['port', 'host'] as const
    return names
      .filter((name) => changed[name] !== this.settings[name])
      .map((name) => `${name.toUpperCase()}: cannot change without a restart while WORKERS is 0`)
  }

  private async apply(changed: Settings): Promise<void> {
    const { id } = this.counting()
    const { old, over } = this.service.swap(changed)
    this.apps++
    if (changed.logLevel !== this.settings.logLevel) this.setLevel(changed.logLevel)
    this.settings = changed
    this.ledger.know(modelsOf(changed))
    const counted = (await old.snapshot()).filter(({ type }) => type !== 'gauge')
    this.ledger.takeMetrics(id, counted)
    this.replaced.set(id, old)
    over
      .catch((error: unknown) => this.log.logger.error({ err: error }, 'the replaced app did not end well'))
      .then(() => this.ledger.takeReplaced(id, old))
      .finally(() => {
        this.replaced.delete(id)
        this.ledger.retire(id)
      })
  }
}
