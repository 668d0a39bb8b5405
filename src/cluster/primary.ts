import cluster from 'node:cluster'
import { type Clock, systemClock } from '../clock.ts'
import type { Loaded } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { serveClusterLimits } from '../limit/primary.ts'
import type { ExpositionFormat } from '../telemetry/exposition.ts'
import type { Log, LogLevel } from '../telemetry/log.ts'
import { createPrimaryMetrics } from '../telemetry/metrics.ts'
import { setOwnKeys } from '../telemetry/redact.ts'
import { modelsOf } from '../wiring/upstreams.ts'
import { keysIn } from '../wiring/whose-key.ts'
import { SharedBreakers } from './breakers.ts'
import type { Look, WorkerLook } from './control.ts'
import { Fleet } from './fleet.ts'
import { clusterFork } from './fork.ts'
import { askLive, Ledger } from './ledger.ts'
import type { Member } from './member.ts'
import type { FromWorker, Load, Question } from './messages.ts'
import type { Program } from './program.ts'
import { Reloader } from './reload.ts'
import { StartFailure } from './start-failure.ts'
import type { WorkerLoad } from './stats.ts'

export interface PrimaryParts {
  readonly settings: Settings
  readonly log: Log
  /** Reads the settings anew, for a reload. */
  load(): Loaded
  /** The module that calls `runWorker`. */
  readonly workerFile: URL
  /** Modules that workers load before it. */
  readonly imports: readonly URL[]
}

const statusMs = 2000

/** The process that starts and watches the workers, and speaks for all of them. */
export class Primary implements Program {
  settings: Settings
  readonly log: Log
  private readonly clock: Clock = systemClock
  /** By configuration: during a reload, and while the old workers drain, there are workers of both. */
  private readonly breakers = new WeakMap<Settings, SharedBreakers>()
  private readonly ledger = new Ledger()
  private readonly own = createPrimaryMetrics()
  private readonly fleet: Fleet
  private readonly reloader: Reloader
  private level: LogLevel

  /** Throws a StartFailure where this process cannot fork. */
  constructor({ settings, log, load, workerFile, imports }: PrimaryParts) {
    if (!cluster.isPrimary) {
      throw new StartFailure('WORKERS: must be 0 where another program, such as PM2 in cluster mode, forks this one')
    }
    this.settings = settings
    this.level = settings.logLevel
    this.log = log
    this.ledger.know(modelsOf(settings))
    this.reloader = new Reloader({
      log: log.logger,
      load,
      current: () => this.settings,
      obstacles: () => [],
      apply: (changed) => this.apply(changed),
    })
    serveClusterLimits()
    this.fleet = new Fleet(settings, {
      fork: clusterFork({ workerFile, imports, log: log.logger }),
      clock: this.clock,
      log: log.logger,
      logLevel: () => this.level,
      breakers: (settings) => this.breakersOf(settings).open(),
      onMessage: (member, message) => this.hear(member, message),
      onExit: (member, wanted) => this.close(member, wanted),
    })
  }

  async start(): Promise<number> {
    // Said once at the beginning: a counter that first appears with 1 looks to Prometheus as if nothing had happened.
    this.own.workerRestarts(0)
    await this.fleet.start()
    return this.fleet.members.find(({ port }) => port !== undefined)?.port ?? this.settings.port
  }

  stop(): Promise<void> {
    return this.fleet.stop()
  }

  kill(): void {
    this.fleet.kill()
  }

  reload(): Promise<string[]> {
    return this.reloader.run()
  }

  setLevel(level: LogLevel): void {
    this.level = level
    this.log.setLevel(level)
    for (const member of this.fleet.members) member.tell({ kind: 'log-level', level })
  }

  workers(): string[] {
    return this.fleet.members.filter(({ state }) => state === 'listening').map(({ slot }) => slot)
  }

  async ask(worker: string, question: Question, timeoutMs: number): Promise<unknown> {
    const member = this.fleet.members.find(({ slot, state }) => slot === worker && state === 'listening')
    if (!member) throw new Error(`There is no worker ${worker} just now.`)
    return member.ask(question, timeoutMs)
  }

  async metrics(format: ExpositionFormat): Promise<{ body: string; contentType: string }> {
    await this.ledger.collect(this.ready())
    this.ledger.takeMetrics('primary', await this.own.snapshot())
    return this.ledger.text(format)
  }

  async status(): Promise<object> {
    const workers = await Promise.all(this.fleet.members.map((member) => this.describe(member)))
    return { pid: process.pid, uptime_seconds: Math.floor(process.uptime()), log_level: this.level, workers }
  }

  async look(): Promise<Look> {
    const { members } = this.fleet
    const [workers] = await Promise.all([
      Promise.all(members.map((member) => this.lookAt(member))),
      // Of the metrics what adds up: gauges that begin anew when they are read belong to who scrapes.
      this.ledger.count(this.ready()),
    ])
    return { workers, metrics: this.ledger.merged() }
  }

  async loads(): Promise<WorkerLoad[]> {
    // With the totals: what a worker has counted since it was last asked is lost when it is killed.
    await this.ledger.count(this.ready())
    return this.ledger.lastLoads(this.fleet.members)
  }

  /** Who starts cannot hear yet, and whoever asks would wait for nothing. */
  private ready(): Member[] {
    return this.fleet.members.filter(({ state }) => state !== 'starting')
  }

  gone(): Load {
    return this.ledger.gone
  }

  private async apply(settings: Settings): Promise<void> {
    this.ledger.know(modelsOf(settings))
    // The old ones as well: they stay in use when the reload fails, and until the last worker that has them has ended.
    setOwnKeys([this.settings, settings].flatMap(keysIn))
    await this.fleet.reload(settings)
    // What the admin port has set stays, unless the configuration says something new.
    if (settings.logLevel !== this.settings.logLevel) this.setLevel(settings.logLevel)
    this.settings = settings
  }

  private async lookAt(member: Member): Promise<WorkerLook> {
    const live = await askLive(member)
    const { slot: worker, pid, state } = member
    return { worker, pid, state, uptime: Math.floor((this.clock.now() - member.startedAt) / 1000), live }
  }

  private async describe(member: Member): Promise<object> {
    const { slot, pid, state, startedAt } = member
    const seconds = Math.floor((this.clock.now() - startedAt) / 1000)
    const answer = await member.ask({ what: 'status' }, statusMs).catch((error: unknown) => ({
      unanswered: error instanceof Error ? error.message : 'unknown',
    }))
    return { worker: slot, pid, state, uptime_seconds: seconds, ...(typeof answer === 'object' ? answer : {}) }
  }

  private breakersOf(settings: Settings): SharedBreakers {
    const breakers = this.breakers.get(settings) ?? new SharedBreakers(this.clock)
    this.breakers.set(settings, breakers)
    return breakers
  }

  private hear(member: Member, message: FromWorker): void {
    const { logger } = this.log
    if (message.kind === 'breaker') {
      const others = this.fleet.members.filter((other) => other !== member && other.settings === member.settings)
      this.breakersOf(member.settings).relay(message, others)
    } else if (message.kind === 'last') {
      this.ledger.takeMetrics(member.id, message.snapshot)
      this.ledger.takeLoad(member.id, message.load)
    } else if (message.kind === 'leaving') {
      logger.info({ worker: member.slot, worker_pid: member.pid }, 'a worker was told to end by a signal')
      this.fleet.leaves(member)
    } else if (message.kind === 'overweight') {
      const heap = Math.round(message.heapUsed / 1024 ** 2)
      logger.warn(
        { worker: member.slot, heap_mb: heap },
        'the heap of a worker is over MAX_HEAP_MB; another replaces it',
      )
      this.fleet.renew(member).catch((error: unknown) => logger.error({ err: error }, 'it could not be replaced'))
    } else if (message.kind === 'listening') {
      // These may have changed while this one started, and could not hear.
      member.tell({ kind: 'log-level', level: this.level })
      for (const breaker of this.breakersOf(member.settings).missedBy(member.breakers)) member.tell(breaker)
      logger.info({ worker: member.slot, worker_pid: member.pid, port: message.port }, `worker ${member.slot} listens`)
    }
  }

  private close(member: Member, wanted: boolean): void {
    this.ledger.close(member.id)
    if (!wanted) this.own.workerRestarts(1)
  }
}
