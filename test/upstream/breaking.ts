import { Breaker, type BreakerSettings, type Transition, type Verdict } from '../../src/upstream/breaker.ts'
import { MovedClock } from '../support/clock.ts'

export const settings: BreakerSettings = { windowMs: 30_000, minRequests: 4, failureRate: 0.5, openMs: 10_000 }

/** A breaker with a clock that the test moves, and all that it told. */
interface Scene {
  clock: MovedClock
  breaker: Breaker
  transitions: Transition[]
}

export function scene(changes: Partial<BreakerSettings> = {}): Scene {
  const clock = new MovedClock()
  const transitions: Transition[] = []
  const breaker = new Breaker({ ...settings, ...changes }, clock, (transition) => transitions.push(transition))
  return { clock, breaker, transitions }
}

/** Sends requests one after another: `+` succeeds, `-` fails, `.` says nothing. */
export function send(breaker: Breaker, verdicts: string): void {
  const words: Record<string, Verdict> = { '+': 'success', '-': 'failure', '.': 'none' }
  for (const sign of verdicts) breaker.enter()(words[sign]!)
}

/** The changes in short: `closed>open failure_rate`. */
export function told(transitions: readonly Transition[]): string[] {
  return transitions.map(({ from, to, why }) => `${from}>${to} ${why}`)
}
