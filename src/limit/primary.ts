import cluster, { type Worker } from 'node:cluster'
import { RateLimiterClusterMaster } from 'rate-limiter-flexible'
import { type SlotReply, type SlotRequest, slotChannel } from './cluster.ts'
import { Tally } from './tally.ts'

/**
 * The primary's part of RATE_LIMIT_STORE=cluster: keeps the counts of all workers. Call once, in the primary, before
 * the first fork. The counts live as long as the primary, so a worker that is restarted or reloaded finds them.
 */
export function serveClusterLimits(): void {
  // Listens for the workers' messages by itself; there is nothing to keep a hold of.
  new RateLimiterClusterMaster()

  const taken = new Tally()
  const shares = new Map<number, Tally>()

  cluster.on('fork', outliveWorker)
  cluster.on('message', (worker, message: unknown) => {
    // Nothing promises that a worker's messages all come before its exit, and a slot granted after it never came back.
    if (!isRequest(message) || worker.isDead()) return
    const share = shareOf(shares, worker)
    if (message.id === undefined) {
      if (share.drop(message.client)) taken.drop(message.client)
      return
    }
    const granted = taken.count(message.client) < (message.cap ?? 0)
    if (granted) {
      taken.add(message.client)
      share.add(message.client)
    }
    reply(worker, { channel: slotChannel, client: message.client, id: message.id, granted })
  })

  cluster.on('exit', (worker) => {
    for (const [client, count] of shareOf(shares, worker).entries()) {
      for (let slot = 0; slot < count; slot++) taken.drop(client)
    }
    shares.delete(worker.id)
  })
}

function shareOf(shares: Map<number, Tally>, worker: Worker): Tally {
  const share = shares.get(worker.id) ?? new Tally()
  shares.set(worker.id, share)
  return share
}

/**
 * An answer to a worker that has just been killed fails with EPIPE, and does so as an 'error' event: the library
 * sends without a callback. Unheard, it would end the primary and with it all workers. Other errors stay as fatal as
 * they were, unless somebody else listens for them.
 */
function outliveWorker(worker: Worker): void {
  worker.on('error', (error: NodeJS.ErrnoException) => {
    const lostAnswer = error.syscall === 'write' || error.code === 'ERR_IPC_CHANNEL_CLOSED'
    if (!lostAnswer && worker.listenerCount('error') === 1) throw error
  })
}

/** An answer that no longer reaches its worker is dropped: the worker's exit gives the slot back. */
function reply(worker: Worker, message: SlotReply): void {
  if (worker.isConnected()) worker.send(message)
}

function isRequest(message: unknown): message is SlotRequest {
  return (
    typeof message === 'object' &&
    message !== null &&
    'channel' in message &&
    message.channel === slotChannel &&
    'client' in message
  )
}
