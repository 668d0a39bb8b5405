import type { Logger } from '../telemetry/log.ts'
import type { Transition, TransitionReason } from '../upstream/breaker.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { BreakerMessage } from './surroundings.ts'

const reasons: Readonly<Record<TransitionReason, string>> = {
  failure_rate: 'too many of its answers failed',
  unauthorized: 'it refused the key that is configured for it: correct the key, or top up what pays for it',
  open_time_over: 'its time of rest is over, so that one request may try it',
  probe_succeeded: 'it answers again',
  probe_failed: 'it still does not answer',
  told: 'another worker found out',
}

/** One line for each change of a breaker. It names the upstream, never its key. */
export function logTransition(log: Logger, { name }: Upstream, { from, to, why }: Transition): void {
  const level = why === 'unauthorized' ? 'error' : to === 'open' ? 'warn' : 'info'
  log[level]({ upstream: name, from, to, why }, `breaker of upstream ${name} is now ${to}: ${reasons[why]}`)
}

/** Tells the other workers what this one has found out; what it was told itself is not told on. */
export function tell(
  send: (message: BreakerMessage) => void,
  { name }: Upstream,
  { to, why, until }: Transition,
): void {
  if (why === 'told' || to === 'half_open') return
  send({ kind: 'breaker', upstream: name, state: to, until })
}
