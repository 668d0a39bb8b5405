import { readFileSync, writeFileSync } from 'node:fs'
import { inTurns, type Plan, ratios } from './rounds.ts'
import type { Stand } from './stand.ts'
import { median } from './statistics.ts'
import { commitOf } from './table.ts'
import { pair, smallAnswer } from './targets.ts'

/** What the CPU time of a request was, as a multiple of the floor's in the same rounds. */
export interface Recorded {
  readonly ratio: number
  readonly commit: string
  readonly date: string
}

const file = new URL('recorded.json', import.meta.url)

/** How far the ratio may rise above the recorded one before the check in CI fails: machines differ that much. */
export const allowedRise = 1.5

/**
 * Short, for CI. Too short for V8 to compile everything, so the ratio is not that of the big table, and may only be
 * compared with one that had the same warm-up.
 */
export const quickPlan: Plan = { rounds: 3, seconds: 2, warmup: 4, connections: 32 }
/** The second try, and what is recorded: what falls on a round or two by chance does not settle it. */
export const patientPlan: Plan = { ...quickPlan, rounds: 7 }

/** The proxy beside the floor at un-streaming 13 events: the ratio of each round, and the median of them. */
export async function measureRatio(stand: Stand, plan: Plan): Promise<{ ratio: number; all: readonly number[] }> {
  const [floor, proxy] = await inTurns(stand, pair(stand.upstream, smallAnswer), plan)
  if (!floor || !proxy) throw new Error('the floor and the proxy were not both measured')
  const failed = [...floor.rounds, ...proxy.rounds].reduce((sum, round) => sum + round.failed, 0)
  // An error answer costs less than an answer, so that a broken proxy would look fast.
  if (failed > 0) throw new Error(`${failed} of the requests that should be measured failed`)
  const all = ratios(proxy, floor)
  return { ratio: median(all), all }
}

export function isTooSlow(ratio: number, recorded: number): boolean {
  // Not the other way round: NaN is no pass.
  return !(ratio <= recorded * allowedRise)
}

export function readRecorded(): Recorded {
  return JSON.parse(readFileSync(file, 'utf8')) as Recorded
}

export function writeRecorded(ratio: number, now = new Date()): void {
  const recorded: Recorded = {
    ratio: Number(ratio.toFixed(2)),
    commit: commitOf('HEAD'),
    date: now.toISOString().slice(0, 10),
  }
  writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`)
}
