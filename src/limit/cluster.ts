import { RateLimiterCluster } from 'rate-limiter-flexible'
import type { Clock } from '../clock.ts'
import type { Counters } from './counters.ts'
import { windows } from './windows.ts'

/** A primary that has not answered for so long is stuck; the caller then counts by itself. Milliseconds. */
const answerTimeoutMs = 5000

export const slotChannel = 'openai-proxy:slots'

/** From a worker to the primary: with an `id` it asks for a slot and wants an answer, without it gives one back. */
export interface SlotRequest {
  readonly channel: typeof slotChannel
  readonly client: string
  readonly id?: number
  readonly cap?: number
}

/** From the primary to the worker that asked. */
export interface SlotReply {
  readonly channel: typeof slotChannel
  readonly client: string
  readonly id: number
  readonly granted: boolean
}

/**
 * Counters that the primary keeps for all workers of this machine. Call only in a cluster worker, once, and only
 * when the primary has called serveClusterLimits before it forked: the library's first message would be lost
 * otherwise, and every call would wait until its time is out.
 */
export function clusterCounters(clock: Clock): Counters {
  const slots = clusterSlots(clock)
  const minutes = windows((options) => new RateLimiterCluster({ ...options, timeoutMs: answerTimeoutMs }))
  return {
    ...slots,
    // The library sends without a callback: on a closed channel that is an 'error' event which ends the process.
    add: (window, client, points) => (process.connected ? minutes.add(window, client, points) : unconnected()),
    read: (window, client) => (process.connected ? minutes.read(window, client) : unconnected()),
  }
}

/**
 * Slots by messages of our own: the library's counters only expire or not, so the share of a worker that was killed
 * would stay taken for ever. The primary knows which worker holds what.
 */
function clusterSlots(clock: Clock): Pick<Counters, 'acquire' | 'release' | 'close'> {
  const waiting = new Map<number, (granted: boolean) => void>()
  let lastId = 0

  const release = (client: string) => send({ channel: slotChannel, client })
  const onMessage = (message: unknown) => {
    if (!isReply(message)) return
    const answer = waiting.get(message.id)
    if (answer) answer(message.granted)
    // Nobody waits any more: a slot that was granted too late has no request that would ever give it back. When this
    // cannot be said, the channel is closed, and the primary takes everything back as this worker exits.
    else if (message.granted) release(message.client).catch(() => undefined)
  }
  process.on('message', onMessage)

  return {
    acquire: (client, cap) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        const fail = (error: Error) => {
          forget()
          waiting.delete(id)
          reject(error)
        }
        const forget = clock.after(answerTimeoutMs, () => fail(new Error('The primary did not answer in time.')))
        waiting.set(id, (granted) => {
          forget()
          waiting.delete(id)
          resolve(granted)
        })
        send({ channel: slotChannel, client, id, cap }).catch(fail)
      }),
    release,
    async close() {
      process.off('message', onMessage)
    },
  }
}

/** Resolves when the message has been handed to the channel. */
function send(message: SlotRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) return reject(new Error('This process is no cluster worker.'))
    process.send(message, undefined, undefined, (error) => (error ? reject(error) : resolve()))
  })
}

function unconnected(): Promise<never> {
  return Promise.reject(new Error('The channel to the primary is closed.'))
}

function isReply(message: unknown): message is SlotReply {
  return typeof message === 'object' && message !== null && 'channel' in message && message.channel === slotChannel
}
