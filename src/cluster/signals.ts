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

/** Signals that end the program by themselves are not told of: as PID 1 nobody else would handle these. */
export function onSignals({ stop, stopNow, reload }: SignalHandlers): void {
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) stopNow()
      else stop(signal)
      asked = true
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
