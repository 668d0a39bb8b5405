import type { Clock } from '../clock.ts'

export interface SignalHandlers {
  /** SIGTERM or SIGINT, the first time. */
  stop(signal: string): void
  /** Once more: whoever asks does not want to wait. */
  stopNow(): void
  /** SIGHUP. */
  reload(): void
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** What has come while there was nobody to take it. */
const held: NodeJS.Signals[] = []
const hold = (signal: NodeJS.Signals) => held.push(signal)

/**
 * Keeps what is sent until `onSignals` takes it. While the program is loaded, which may take a second, a reload would end it,
 * and to stop it would be of no effect where it is PID 1.
 */
export function holdSignals(): void {
  for (const signal of signals) process.on(signal, hold)
}

/**
 * Whoever does not want to wait any longer has waited for so long. A terminal sends its Ctrl-C to npm and to the program that
 * npm has started, and npm hands it on: it comes twice within moments, and so does systemd's stop. Milliseconds.
 */
const echoMs = 500

/** Signals that end the program by themselves are not told of: as PID 1 nobody else would handle these. */
export function onSignals({ stop, stopNow, reload }: SignalHandlers, clock: Pick<Clock, 'now'>): void {
  let askedAt: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (askedAt === undefined) {
        askedAt = clock.now()
        stop(signal)
      } else if (clock.now() - askedAt >= echoMs) stopNow()
    })
  }
  process.on('SIGHUP', reload)
  for (const signal of signals) process.off(signal, hold)
  for (const signal of held.splice(0)) process.emit(signal)
}

/** Tells PM2 (with `wait_ready`), or any parent with a channel, that requests are answered now. */
export function tellParentReady(): void {
  process.send?.('ready')
}
