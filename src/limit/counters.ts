/** How much one client may use; 0 turns a limit off. Requests and tokens are for each minute. */
export interface Caps {
  readonly requests: number
  readonly tokens: number
  readonly concurrency: number
}

/** The two limits that are counted over a minute. */
export type WindowName = 'requests' | 'tokens'

/** What a client has used of its current minute, and the milliseconds until that minute ends. */
export interface Spent {
  readonly used: number
  readonly resetMs: number
}

/**
 * Where the counts of all clients live: this process, the primary, or Redis.
 * Counters know no limits of their own, so the same counts serve clients with different caps and survive a reload.
 * A rejected promise always means that the store failed, never that a client has spent its share.
 */
export interface Counters {
  /** Adds to a client's minute, beginning one where none runs, and tells what it holds now. */
  add(window: WindowName, client: string, points: number): Promise<Spent>
  read(window: WindowName, client: string): Promise<Spent>
  /** Takes one of the client's `cap` slots; false when all are taken. */
  acquire(client: string, cap: number): Promise<boolean>
  /** Gives back one slot that this process acquired; which one does not matter. */
  release(client: string): Promise<void>
  close(): Promise<void>
}
