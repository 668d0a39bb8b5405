import pino from 'pino'
import { Fleet } from '../../src/cluster/fleet.ts'
import type { Child, ChildEvents } from '../../src/cluster/fork.ts'
import type { Member } from '../../src/cluster/member.ts'
import type { FromWorker, ToWorker } from '../../src/cluster/messages.ts'
import { loadSettings } from '../../src/config/load.ts'
import type { Settings } from '../../src/config/settings.ts'
import { MovedClock } from '../support/clock.ts'

/** A worker process that does only what the test says. */
export class ScriptedChild implements Child {
  readonly pid: number
  readonly told: ToWorker[] = []
  readonly killed: string[] = []
  private readonly events: ChildEvents

  constructor(pid: number, events: ChildEvents) {
    this.pid = pid
    this.events = events
  }

  tell(message: ToWorker): void {
    this.told.push(message)
  }

  kill(signal: string): void {
    this.killed.push(signal)
  }

  say(message: FromWorker): void {
    this.events.message(message)
  }

  /** As a healthy worker begins. */
  listen(): void {
    this.say({ kind: 'hello' })
    this.say({ kind: 'listening', port: 3000 })
  }

  exit(how = 'SIGKILL'): void {
    this.events.exit(how)
  }

  get drains(): boolean {
    return this.told.some(({ kind }) => kind === 'drain')
  }

  /** The settings that it was started with. */
  get settings(): Settings {
    const start = this.told.find((message) => message.kind === 'start')
    if (!start) throw new Error('this child was never told to start')
    return start.settings
  }
}

export interface Scene {
  readonly fleet: Fleet
  readonly clock: MovedClock
  /** Every process forked so far, in order. */
  readonly children: readonly ScriptedChild[]
  readonly exits: { slot: string; wanted: boolean }[]
  /** What was logged, each line with its level before it. */
  readonly lines: string[]
  /** The last process forked. */
  latest(): ScriptedChild
}

/** A fleet whose processes are scripted. */
export function scene(settings: Settings): Scene {
  const clock = new MovedClock()
  const children: ScriptedChild[] = []
  const exits: { slot: string; wanted: boolean }[] = []
  const lines: string[] = []
  const fleet = new Fleet(settings, {
    fork(events) {
      const child = new ScriptedChild(1000 + children.length, events)
      children.push(child)
      return child
    },
    clock,
    log: pino(
      { formatters: { level: (level) => ({ level }) } },
      {
        write(line) {
          const { level, msg } = JSON.parse(line)
          lines.push(`${level}: ${msg}`)
        },
      },
    ),
    logLevel: () => 'info',
    breakers: () => [],
    onMessage() {},
    onExit: ({ slot }: Member, wanted) => exits.push({ slot, wanted }),
  })
  return { fleet, clock, children, exits, lines, latest: () => children.at(-1)! }
}

/** A fleet of so many workers, all of which listen. */
export async function running(workers: number): Promise<Scene> {
  const made = scene(settingsOf({ WORKERS: String(workers) }))
  const started = made.fleet.start()
  for (const child of made.children) child.listen()
  await started
  return made
}

/** Settings for tests, by environment names. */
export function settingsOf(env: Record<string, string> = {}): Settings {
  const loaded = loadSettings({
    env: { UPSTREAM_API_URL: 'http://127.0.0.1:9/v1', ...env },
    argv: [],
    readFile: () => '',
    machine: { cores: 2, terminal: false },
  })
  if ('faults' in loaded) throw new Error(loaded.faults.join('\n'))
  return loaded.settings
}

/** Lets everything that has been settled run on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
