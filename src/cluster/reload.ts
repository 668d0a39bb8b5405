import { isDeepStrictEqual } from 'node:util'
import type { Loaded } from '../config/load.ts'
import { memberOf, type Settings } from '../config/settings.ts'
import { rowOf, settingNames } from '../config/table.ts'
import type { Logger } from '../telemetry/log.ts'
import { StartFailure } from './start-failure.ts'

export interface ReloadParts {
  readonly log: Logger
  /** The settings in effect. */
  current(): Settings
  /** Reads everything anew. */
  load(): Loaded
  /** Further reasons why these settings cannot take the place of the current ones. */
  obstacles(settings: Settings): readonly string[]
  /** Rejects with a StartFailure when the settings turn out to be unusable. */
  apply(settings: Settings): Promise<void>
}

/** Brings new settings into effect, one reload at a time. */
export class Reloader {
  private readonly parts: ReloadParts
  private running: Promise<string[]> | undefined
  private next: Promise<string[]> | undefined

  constructor(parts: ReloadParts) {
    this.parts = parts
  }

  /**
   * Resolves with the faults for which the new settings were refused, none when they are in effect. Asked while a
   * reload runs, another follows it: the files may have changed after the first had read them.
   */
  run(): Promise<string[]> {
    if (!this.running) {
      this.running = this.once().finally(() => {
        this.running = undefined
      })
      return this.running
    }
    const again = () => {
      this.next = undefined
      return this.run()
    }
    // How the one before it ended is told to whoever asked for that.
    this.next ??= this.running.then(again, again)
    return this.next
  }

  private async once(): Promise<string[]> {
    const { log, load, current, apply, obstacles } = this.parts
    const loaded = load()
    const faults =
      'faults' in loaded ? loaded.faults : [...fixedChanges(current(), loaded.settings), ...obstacles(loaded.settings)]
    if (faults.length === 0 && 'settings' in loaded) faults.push(...(await attempt(() => apply(loaded.settings))))
    if (faults.length > 0) log.error({ faults }, 'the new configuration was refused; the old one stays')
    else log.info('the new configuration is in effect')
    return faults
  }
}

async function attempt(apply: () => Promise<void>): Promise<string[]> {
  try {
    await apply()
    return []
  } catch (error) {
    if (error instanceof StartFailure) return [error.message]
    throw error
  }
}

/** Settings that the primary has used up when it started; it would be untrue to say that they are in effect. */
function fixedChanges(before: Settings, after: Settings): string[] {
  const was = new Map<string, unknown>(Object.entries(before))
  const is = new Map<string, unknown>(Object.entries(after))
  const fixed = settingNames.filter((name) => rowOf(name).atStart)
  const changed = fixed.filter((name) => !isDeepStrictEqual(was.get(memberOf(name)), is.get(memberOf(name))))
  const faults = changed.map((name) => `${name}: takes effect at a start only; restart the program`)
  if ((before.workers === 0) !== (after.workers === 0)) {
    faults.push(`WORKERS: changes between 0 and ${Math.max(before.workers, after.workers)} need a restart`)
  }
  return faults
}
