import type { App } from '../app.ts'
import type { Clock } from '../clock.ts'

/** How often an app is asked whether it has finished. Milliseconds. */
const sweepMs = 50

/** A try whose request was cut may go on for a second, to hear what the answer cost. Milliseconds. */
const lastWordMs = 2000

/** Resolves when nothing of the app is under way any more, or after `maxMs` milliseconds. */
export async function whenIdle(
  app: Pick<App, 'inFlight'>,
  clock: Clock,
  maxMs: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const until = clock.now() + maxMs
  while (app.inFlight() > 0 && clock.now() < until) {
    await new Promise<void>((resolve) => clock.after(sweepMs, resolve))
  }
}

/** The same for an app all of whose clients have been answered, or cut: what is left is only to be put on record. */
export function whenRecorded(app: Pick<App, 'inFlight'>, clock: Clock): Promise<void> {
  return whenIdle(app, clock, lastWordMs)
}
