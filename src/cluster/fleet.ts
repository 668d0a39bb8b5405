import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Logger, LogLevel } from '../telemetry/log.ts'
import type { BreakerMessage } from '../wiring/surroundings.ts'
import { healthyAfterMs, respawnDelay } from './backoff.ts'
import type { Fork } from './fork.ts'
import { Member } from './member.ts'
import type { FromWorker } from './messages.ts'
import { StartFailure } from './start-failure.ts'

export interface FleetParts {
  readonly fork: Fork
  readonly clock: Clock
  readonly log: Logger
  logLevel(): LogLevel
  /** Breakers that a new worker with these settings has to know of. */
  breakers(settings: Settings): readonly BreakerMessage[]
  onMessage(member: Member, message: FromWorker): void
  /** A worker ended. `wanted` is false when it had not been told to. */
  onExit(member: Member, wanted: boolean): void
}

/** One of the workers that there should be, whichever process does its work just now. */
interface Slot {
  readonly name: string
  current: Member | undefined
  /** Failed starts and early deaths without a healthy process in between. */
  deaths: number
  /** Settled when the process that is being started listens or has failed; one at a time, or one would be forgotten. */
  launching: Promise<unknown> | undefined
  /** Takes back a start that is due later. */
  cancelRefill: () => void
}

/** Keeps as many workers alive as there should be. */
export class Fleet {
  private readonly parts: FleetParts
  private settings: Settings
  private readonly slots = new Map<string, Slot>()
  /** Every process that has not ended, those that drain included. */
  private readonly alive = new Set<Member>()
  private forked = 0
  private stopping = false

  constructor(settings: Settings, parts: FleetParts) {
    this.settings = settings
    this.parts = parts
  }

  get members(): readonly Member[] {
    return [...this.alive]
  }

  /**
   * Starts `settings.workers` workers and resolves when those that can listen do.
   * Rejects with the StartFailure of one when none can; those that merely died are tried again later.
   */
  async start(): Promise<void> {
    const slots = this.slotsFor(this.settings.workers)
    const results = await Promise.allSettled(slots.map((slot) => this.launch(slot, this.settings)))
    const failures = results.filter((result) => result.status === 'rejected')
    if (failures.length === slots.length) throw failures[0]?.reason
    // Those that died, and those that a reload has overtaken.
    for (const slot of slots) this.refill(slot)
  }

  /**
   * Replaces every worker by one with these settings, one after the other: the new one listens before the old one
   * drains. Rejects with a StartFailure when one cannot start; those that have the new settings get the old ones back.
   */
  async reload(settings: Settings): Promise<void> {
    const before = this.settings
    const all = this.slotsFor(settings.workers)
    for (const [done, slot] of all.entries()) {
      try {
        await this.replace(slot, settings)
      } catch (error) {
        const rest = await this.restore(before)
        if (done === 0 || this.stopping || !(error instanceof StartFailure)) throw error
        throw new StartFailure(`${done} of ${all.length} workers were replaced, one failed: ${error.message}${rest}`)
      }
      this.settings = settings
    }
    this.keepOnly(all)
  }

  /** Replaces the process of one worker, with the settings that are in effect. */
  async renew(member: Member): Promise<void> {
    const slot = this.slots.get(member.slot)
    if (slot?.current !== member || slot.launching || this.stopping) return
    await this.replace(slot, this.settings)
  }

  /** A worker that was told to end by somebody else: it is replaced now rather than when it has ended. */
  leaves(member: Member): void {
    member.drain(this.settings.shutdownTimeoutMs)
    const slot = this.slots.get(member.slot)
    if (slot?.current !== member) return
    slot.current = undefined
    this.refill(slot)
  }

  /** Lets all workers finish what runs, and resolves when every process has ended. */
  async stop(): Promise<void> {
    this.stopping = true
    while (this.alive.size > 0) {
      await Promise.all(this.members.map((member) => member.drain(this.settings.shutdownTimeoutMs)))
    }
  }

  /** Ends every process at once, whatever it is doing. */
  kill(): void {
    this.stopping = true
    for (const member of this.alive) member.kill()
  }

  /**
   * Two configurations at once would answer the same request in two ways, and a limit or a key that was taken out would
   * go on being in effect. Resolves with a word on those that could not be replaced yet; that is tried again later.
   */
  private async restore(before: Settings): Promise<string> {
    this.settings = before
    this.keepOnly(this.slotsFor(before.workers))
    const left: string[] = []
    for (const slot of this.slots.values()) {
      // Also one that has died and was started anew with the settings of that moment; whoever started it hears how it went.
      await slot.launching?.catch(() => {})
      if (!slot.current || this.filled(slot)) continue
      await this.replace(slot, before).catch(() => left.push(slot.name))
    }
    return left.length === 0 ? '' : `; worker ${left.join(' and ')} has the new one until it can be replaced`
  }

  /** Does away with all other places, and lets their workers drain. */
  private keepOnly(wanted: readonly Slot[]): void {
    for (const slot of [...this.slots.values()].filter((each) => !wanted.includes(each))) {
      this.slots.delete(slot.name)
      if (slot.current) this.dismiss(slot.current)
    }
  }

  private slotsFor(count: number): Slot[] {
    return Array.from({ length: count }, (_, index) => {
      const name = String(index + 1)
      const slot = this.slots.get(name) ?? emptySlot(name)
      this.slots.set(name, slot)
      return slot
    })
  }

  /** Starts a process for the slot and, once it listens, lets the one before it drain. */
  private async launch(slot: Slot, settings: Settings): Promise<void> {
    // How that one ended is told to whoever started it.
    while (slot.launching) await slot.launching.catch(() => {})
    if (this.stopping) throw new StartFailure('the program is ending')
    const member = this.fork(slot, settings)
    slot.launching = member.ready
    try {
      await member.ready
      if (member.state !== 'listening') throw new StartFailure('a worker ended as soon as it listened')
      const old = slot.current
      slot.current = member
      if (old) this.dismiss(old)
      // A reload may have done away with this worker while it started.
      if (this.slots.get(slot.name) !== slot) this.dismiss(member)
    } catch (error) {
      slot.deaths++
      throw error
    } finally {
      slot.launching = undefined
    }
  }

  /** Nobody waits for a worker that is not wanted any more: each of its requests may take the time that it has. */
  private dismiss(member: Member): void {
    const { shutdownTimeoutMs, requestTimeoutMs } = member.settings
    member.drain(Math.max(shutdownTimeoutMs, requestTimeoutMs))
  }

  private fork(slot: Slot, settings: Settings): Member {
    const { parts } = this
    const member = new Member({
      id: `${slot.name}.${++this.forked}`,
      fork: parts.fork,
      clock: parts.clock,
      start: {
        kind: 'start',
        slot: slot.name,
        settings,
        logLevel: parts.logLevel(),
        breakers: parts.breakers(settings),
      },
      onMessage: parts.onMessage,
      onExit: (ended, how) => this.ended(slot, ended, how),
    })
    this.alive.add(member)
    return member
  }

  private async replace(slot: Slot, settings: Settings): Promise<void> {
    try {
      await this.launch(slot, settings)
    } catch (error) {
      // The old one may have died meanwhile, and left it to this start to fill its place.
      this.refill(slot)
      throw error
    }
  }

  private ended(slot: Slot, member: Member, how: string): void {
    this.alive.delete(member)
    const wanted = member.state === 'draining' || this.stopping
    const { log, clock } = this.parts
    // Not `pid`: that is the process that writes the line, and a key given twice is read one way here, another there.
    const about = { worker: slot.name, worker_pid: member.pid, how }
    // Why it could not start is said elsewhere; that it died of SIGKILL would look like the system's doing.
    if (wanted || member.failed) log.info(about, `worker ${slot.name} has ended`)
    else log.error(about, `worker ${slot.name} died: ${how}`)
    this.parts.onExit(member, wanted)
    // One that never listened has been counted by its start.
    if (member.state === 'listening')
      slot.deaths = clock.now() - member.startedAt >= healthyAfterMs ? 0 : slot.deaths + 1
    if (slot.current !== member) return
    slot.current = undefined
    this.refill(slot)
  }

  /** Starts a process for an empty slot, and again when it fails, waiting longer each time. */
  private refill(slot: Slot): void {
    slot.cancelRefill()
    if (slot.launching || this.filled(slot)) return
    slot.cancelRefill = this.parts.clock.after(respawnDelay(slot.deaths), () => {
      if (slot.launching || this.filled(slot)) return
      this.launch(slot, this.settings).catch((error: unknown) => {
        if (this.stopping) return
        this.parts.log.error({ worker: slot.name, err: error }, `worker ${slot.name} could not be started`)
        this.refill(slot)
      })
    })
  }

  /** Whether the slot needs no process: it has one with the settings in effect, or it is not wanted any more. */
  private filled(slot: Slot): boolean {
    return this.stopping || slot.current?.settings === this.settings || this.slots.get(slot.name) !== slot
  }
}

function emptySlot(name: string): Slot {
  return { name, current: undefined, deaths: 0, launching: undefined, cancelRefill: () => {} }
}
