export interface SignalHandlers {
  /** SIGTERM or SIGINT, the first time. */
  stop(signal: string): void
  /** Once more: whoever asks does not want to wait. */
  stopNow(): void
  /** SIGHUP. */
  reload(): void
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
}

/** Tells PM2 (with `wait_ready`), or any parent with a channel, that requests are answered now. */
export function tellParentReady(): void {
  process.send?.('ready')
}
