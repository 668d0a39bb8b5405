import type { Clock } from '../clock.ts'
import type { Transition } from './breaker.ts'
import type { Upstream } from './upstream.ts'

/** Sends the small streamed request and says whether the upstream answered it. A rejection counts as no. */
export type SendProbe = (upstream: Upstream, body: string, signal: AbortSignal) => Promise<boolean>

export interface ProbeSettings {
  /** The request's JSON. It must ask for a stream: some upstreams answer nothing else. */
  readonly body: string
  readonly send: SendProbe
}

/**
 * Asks an upstream whose breaker opened, in its own time, so that no user's request has to find out whether it is back.
 * Its breaker keeps the half-open slot for it (`probesReserved`).
 */
export class Prober {
  private readonly settings: ProbeSettings
  private readonly clock: Clock
  private readonly cancels = new Map<Upstream, () => void>()
  private readonly stopped = new AbortController()

  constructor(settings: ProbeSettings, clock: Clock) {
    this.settings = settings
    this.clock = clock
  }

  /** To be told of every transition: an opening plans a probe for its end, a closing calls it off. */
  notice(upstream: Upstream, transition: Transition): void {
    if (transition.to === 'half_open') return
    this.cancel(upstream)
    if (transition.to === 'open') this.plan(upstream)
  }

  /** Calls off what is planned and aborts what is under way. */
  stop(): void {
    this.stopped.abort()
    for (const upstream of [...this.cancels.keys()]) this.cancel(upstream)
  }

  private plan(upstream: Upstream): void {
    if (this.stopped.signal.aborted) return
    const due = this.clock.after(upstream.breaker.waitMs(), () => {
      this.cancels.delete(upstream)
      void this.probe(upstream)
    })
    this.cancels.set(upstream, due)
  }

  private cancel(upstream: Upstream): void {
    this.cancels.get(upstream)?.()
    this.cancels.delete(upstream)
  }

  private async probe(upstream: Upstream): Promise<void> {
    // What another process told may have made the opening longer since this was planned.
    if (upstream.breaker.waitMs() > 0) return this.plan(upstream)
    const end = upstream.enter()
    // A probe that could not even be sent must not end the process, nor keep the half-open slot for ever.
    const answered = await this.settings.send(upstream, this.settings.body, this.stopped.signal).catch(() => false)
    if (this.stopped.signal.aborted) end('none')
    else end(answered ? 'success' : 'failure')
  }
}
