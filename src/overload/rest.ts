import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import { type Place, Roll } from '../roll.ts'

/** Refusals follow each other at this distance: at some 50 µs each they take a fortieth of the time of a loop that has none. */
const gapMs = 2
/** No client is asked to come again sooner, or later. */
const leastMs = 1000
const mostMs = 30_000

const sweepMs = 50
/** How many are woken before their time in each sweep, once the loop has time to spare. */
const wokenEarly = 100

interface Resting {
  readonly socket: Socket
  /** The clock's milliseconds. */
  readonly dueMs: number
  /** How long the connection might have been idle; 0 for ever. Milliseconds. */
  readonly idleMs: number
}

/**
 * Connections that are not listened to for a while: those that were refused while the process had no time to spare.
 *
 * To refuse costs a quarter of a short answer, so that clients who ask again at once can take all the time of a process
 * with nothing but refusals (docs/decisions/0019-refused-connections-rest.md). Each refusal therefore says when to come
 * again, the later the more clients there are, and until then nothing is read from its connection. What the client sends
 * meanwhile waits in the kernel, and is answered afterwards. A client that does as it was told notices nothing.
 */
export class Rest {
  private readonly resting = new Roll<Resting>()
  private readonly clock: Clock
  private readonly busy: () => boolean
  private lastDueMs = 0
  private cancelSweep: (() => void) | undefined

  constructor(clock: Clock, busy: () => boolean) {
    this.clock = clock
    this.busy = busy
  }

  /** Connections that rest. */
  get size(): number {
    return this.resting.size
  }

  /**
   * To be told of each refusal: lets the connection rest as soon as this request has been read and answered.
   * Returns after how many seconds the client may come again.
   */
  begin(req: IncomingMessage): number {
    const now = this.clock.now()
    if (!this.busy()) return leastMs / 1000
    const dueMs = Math.min(Math.max(now + leastMs, this.lastDueMs + gapMs), now + mostMs)
    this.lastDueMs = dueMs
    // Only then have both come to their end, in whichever order.
    req.once('close', () => this.lay(req.socket, dueMs))
    return Math.ceil((dueMs - now) / 1000)
  }

  /** Listens to all of them again, as before the process ends: nothing that was sent may be lost unread. */
  wakeAll(): void {
    while (this.resting.first) this.wake(this.resting.first)
    this.cancelSweep?.()
    this.cancelSweep = undefined
  }

  private lay(socket: Socket, dueMs: number): void {
    // It is being closed, or rests already: of several requests that were sent at once, each is refused.
    if (socket.destroyed || !socket.writable || socket.isPaused()) return
    const idleMs = socket.timeout ?? 0
    // Else the time it rests would count as idleness, and close it over a request that waits.
    socket.setTimeout(0)
    socket.pause()
    this.resting.enter({ socket, dueMs, idleMs })
    this.cancelSweep ??= this.clock.after(sweepMs, () => this.sweep())
  }

  private sweep(): void {
    const now = this.clock.now()
    let early = this.busy() ? 0 : wokenEarly
    for (let next = this.resting.first; next?.member; next = this.resting.first) {
      if (next.member.dueMs > now && early-- <= 0) break
      this.wake(next)
    }
    this.cancelSweep = this.resting.size > 0 ? this.clock.after(sweepMs, () => this.sweep()) : undefined
  }

  private wake(place: Place<Resting>): void {
    const { member } = place
    if (member === undefined) return
    this.resting.leave(place)
    member.socket.setTimeout(member.idleMs)
    member.socket.resume()
  }
}
