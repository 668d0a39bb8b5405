import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import { ProxyError } from '../errors.ts'
import type { Logger } from '../telemetry/log.ts'
import { readVersion } from '../telemetry/version.ts'
import type { Control } from './control.ts'
import { frameOf } from './frame.ts'

export interface FeedParts {
  readonly control: Pick<Control, 'look'>
  readonly log: Logger
  readonly clock: Clock
}

/** More pages than people who look. */
const maxViewers = 20

/** A pause, not a period: where the workers are slow to answer they are asked less often. Milliseconds. */
const pauseMs = 1000

/** Asks the workers once a second while somebody looks at the page, once for all who look, and never else. */
export class Feed {
  private readonly parts: FeedParts
  private readonly version = readVersion()
  /** Each with whether it may still look. */
  private readonly viewers = new Map<ServerResponse, () => boolean>()
  private cancel = () => {}
  private running = false

  constructor(parts: FeedParts) {
    this.parts = parts
  }

  get looking(): number {
    return this.viewers.size
  }

  /**
   * Sends frames until the viewer leaves, or `mayLook`, asked at each frame, says no: the token may change meanwhile.
   * Throws overloaded where too many look already.
   */
  add(res: ServerResponse, mayLook: () => boolean): void {
    if (this.viewers.size >= maxViewers) throw new ProxyError('overloaded', { message: 'Too many look at this page.' })
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    res.flushHeaders()
    this.viewers.set(res, mayLook)
    res.once('close', () => this.viewers.delete(res))
    if (this.running) return
    this.running = true
    this.tick()
  }

  /** The viewers' connections are the server's to close. */
  close(): void {
    this.cancel()
    this.viewers.clear()
  }

  private tick(): void {
    const { log, clock } = this.parts
    this.send()
      .catch((error: unknown) => log.error({ err: error }, 'the live page could not be told how things are'))
      .finally(() => {
        this.running = this.viewers.size > 0
        if (this.running) this.cancel = clock.after(pauseMs, () => this.tick())
      })
  }

  private async send(): Promise<void> {
    for (const [res, mayLook] of this.viewers) if (!mayLook()) res.end()
    // The last viewer may have left during the pause.
    if (this.viewers.size === 0) return
    const { control, clock } = this.parts
    const moment = { at: clock.wall(), version: this.version, uptime: Math.floor(process.uptime()) }
    const text = `data: ${JSON.stringify(frameOf(await control.look(), moment))}\n\n`
    // A phone that sleeps reads nothing; what it misses must not be kept for it.
    for (const res of this.viewers.keys()) if (!res.writableNeedDrain && !res.writableEnded) res.write(text)
  }
}
