import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'

/**
 * A dispatcher that is replaced now and then, so that connections follow a DNS entry that has moved. The former one
 * finishes what it has begun. undici's `clientTtl` would do the same a connection at a time, but it looks at all of them
 * twice for each request: measured, 0.1 ms more of CPU a request with 1000 streams open.
 */
export class RenewedDispatcher {
  private readonly create: () => Dispatcher
  private readonly ttlMs: number
  private readonly clock: Pick<Clock, 'now'>
  private readonly closing = new Set<Promise<void>>()
  private dispatcher: Dispatcher
  private createdAt: number
  private closed: Promise<unknown> | undefined

  constructor(create: () => Dispatcher, ttlMs: number, clock: Pick<Clock, 'now'>) {
    this.create = create
    this.ttlMs = ttlMs
    this.clock = clock
    this.dispatcher = create()
    this.createdAt = clock.now()
  }

  /** To be asked for anew with every request, and used at once: a former one takes no more. */
  get current(): Dispatcher {
    const now = this.clock.now()
    if (now - this.createdAt >= this.ttlMs && !this.closed) {
      this.retire()
      this.dispatcher = this.create()
      this.createdAt = now
    }
    return this.dispatcher
  }

  /** Lets what runs finish, on the former ones too, then closes the sockets. Takes no more requests. */
  async close(): Promise<void> {
    if (!this.closed) {
      this.retire()
      this.closed = Promise.all(this.closing)
    }
    await this.closed
  }

  private retire(): void {
    const closed = this.dispatcher.close().then(() => {
      this.closing.delete(closed)
    })
    this.closing.add(closed)
  }
}
