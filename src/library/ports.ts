import type { Front } from '../cluster/front.ts'

/** The ports of its own on which a proxy listens, or is about to. */
export class Ports {
  private readonly open: () => Front
  private readonly drains: ((timeoutMs: number) => Promise<void>)[] = []
  private closed = false

  /** @param open makes the server of one port */
  constructor(open: () => Front) {
    this.open = open
  }

  /** Resolves with the port. Rejects with the system's error, or when all are closed, be it before it listens. */
  async listen(port: number, host: string): Promise<number> {
    this.refuseWhenClosed()
    const front = this.open()
    const opening = front.listen(port, host)
    const drain = (timeoutMs: number) => front.drain(timeoutMs, { grace: 0 })
    // Entered before it listens: what is closed meanwhile would be left open for good, and the process with it.
    this.drains.push((timeoutMs) =>
      opening.then(
        () => drain(timeoutMs),
        () => {},
      ),
    )
    const actual = await opening
    this.refuseWhenClosed()
    return actual
  }

  /** Takes no new connection, and resolves when the last one has gone; after `timeoutMs` milliseconds they are cut. */
  async drain(timeoutMs: number): Promise<void> {
    this.closed = true
    await Promise.all(this.drains.map((drain) => drain(timeoutMs)))
  }

  private refuseWhenClosed(): void {
    if (this.closed) throw new Error('This proxy is closed. Make another one.')
  }
}
