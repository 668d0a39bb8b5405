import type { ParseArgsOptionsConfig } from 'node:util'
import type { Plan } from './rounds.ts'

/** What all measurements in turns can be told, for `parseArgs`. */
export const planOptions = {
  seconds: { type: 'string', default: '3' },
  rounds: { type: 'string', default: '3' },
  connections: { type: 'string', default: '32' },
  warmup: { type: 'string', default: '8' },
  record: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig

export function planOf(values: Readonly<Record<'seconds' | 'rounds' | 'connections' | 'warmup', string>>): Plan {
  return {
    seconds: readNumber('seconds', values.seconds),
    rounds: readNumber('rounds', values.rounds),
    connections: readNumber('connections', values.connections),
    warmup: readNumber('warmup', values.warmup),
  }
}

/** Throws a RangeError for what is no number: NaN rounds would measure nothing and say so in no way. */
export function readNumber(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < 0 || text.trim() === '')
    throw new RangeError(`--${name} ${text} is no number`)
  return number
}

export function describePlan({ starts = 1, rounds, seconds, warmup, connections }: Plan): string {
  const after = starts === 1 ? '' : `${starts} starts of each, `
  return (
    `${after}${rounds} rounds of ${seconds} s in turns after ${warmup} s of warm-up, ${connections} connections, medians; ` +
    'load generator and upstream on the same cores.'
  )
}
