import type { Round, Running, Stand, Turn } from './stand.ts'
import { median } from './statistics.ts'
import { type Cell, figure, time } from './table.ts'
import type { Target } from './targets.ts'

export interface Measured {
  readonly target: Running
  readonly rounds: readonly Round[]
}

export interface Plan extends Turn {
  /** Rounds after each start. */
  readonly rounds: number
  /** How often all targets are started; once without it. Two processes of one program differ by up to a tenth. */
  readonly starts?: number
  /** Seconds of load before anything counts: until V8 has compiled what is hot, a third of the CPU is its compiler's. */
  readonly warmup: number
}

/**
 * Measures targets in turns, so that a noisy machine disturbs all alike. Every second round goes through them backwards:
 * what the one before leaves behind (a warm cache, a hot processor) would always fall upon the same one.
 */
export async function inTurns(stand: Stand, targets: readonly Target[], plan: Plan): Promise<Measured[]> {
  const all = await fromOneStart(stand, targets, plan)
  for (let start = 1; start < (plan.starts ?? 1); start++) {
    const more = await fromOneStart(stand, targets, plan)
    for (const [at, { rounds }] of more.entries()) all[at]?.rounds.push(...rounds)
  }
  return all
}

interface Growing {
  readonly target: Running
  readonly rounds: Round[]
}

async function fromOneStart(stand: Stand, targets: readonly Target[], plan: Plan): Promise<Growing[]> {
  const measured: Growing[] = []
  for (const target of targets) measured.push({ target: await stand.start(target), rounds: [] })
  if (plan.warmup > 0) {
    for (const { target } of measured) await stand.warmUp(target, { ...plan, seconds: plan.warmup })
  }
  for (let round = 0; round < plan.rounds; round++) {
    const order = round % 2 === 0 ? measured : measured.toReversed()
    for (const { target, rounds } of order) rounds.push(await stand.turn(target, plan))
  }
  await Promise.all(measured.map(({ target }) => stand.stop(target)))
  return measured
}

/**
 * By how much one costs more CPU than the other, round for round: what disturbs a round disturbs both of its turns, and
 * a ratio of two medians would throw that away.
 */
export function ratios({ rounds }: Measured, base: Measured): number[] {
  return rounds.map(({ cpuUs }, at) => cpuUs / (base.rounds[at]?.cpuUs ?? Number.NaN))
}

export function cpuOf({ rounds }: Measured): number {
  return median(rounds.map(({ cpuUs }) => cpuUs))
}

export const usualHead = ['target', 'CPU µs a request', '× first', 'requests/s', 'p50', 'p99', 'MiB', 'failed']

/** A row under `usualHead`; the first of a group is what the others are compared with. */
export function usualRow(measured: Measured, first: Measured): Cell[] {
  const { target, rounds } = measured
  const of = (read: (round: Round) => number) => median(rounds.map(read))
  return [
    target.name,
    figure(Math.round(cpuOf(measured))),
    median(ratios(measured, first)).toFixed(2),
    figure(Math.round(of(({ perSecond }) => perSecond))),
    time(of(({ p50Ms }) => p50Ms)),
    time(of(({ p99Ms }) => p99Ms)),
    figure(Math.round(of(({ rssBytes }) => rssBytes) / 2 ** 20)),
    String(rounds.reduce((sum, { failed }) => sum + failed, 0)),
  ]
}
