import type { Worker } from 'node:cluster'

/**
 * Gives connections back that were handed to a worker which ended before it took them.
 *
 * node:cluster hands a connection over by an internal message and keeps it open until the worker says whether it takes
 * it. A worker that is killed says nothing: the connection stays open in the primary, nobody reads from it, and its
 * client waits until it gives up. Measured under a load of new connections: one for nearly every kill.
 *
 * So for each such message that was never answered, the answer "not accepted" is given in the worker's place, on which
 * node:cluster hands the connection to another worker. This leans on its messages (`newconn`, `ack`), which no document
 * promises; with others, nothing would be given back, and a test would say so.
 */
export function giveBackConnections(worker: Worker): void {
  const child = worker.process
  const unanswered = new Set<number>()
  let disconnected = false

  const send = child.send
  child.send = (...args: readonly unknown[]): boolean => {
    const [message] = args
    if (isInternal(message) && message.act === 'newconn' && message.seq !== undefined) unanswered.add(message.seq)
    return Reflect.apply(send, child, args)
  }
  child.on('internalMessage', (message: unknown) => {
    if (isInternal(message) && message.ack !== undefined) unanswered.delete(message.ack)
  })
  child.once('disconnect', () => {
    disconnected = true
  })
  // 'close' and not 'exit': only now has every answer been read that the worker did send.
  child.once('close', () => {
    // Not told when the channel ended while a connection was on its way. Until it is, connections go to the dead worker.
    if (!disconnected) child.emit('disconnect')
    for (const ack of unanswered) child.emit('internalMessage', { cmd: command, ack, accepted: false }, undefined)
  })
}

const command = 'NODE_CLUSTER'

interface Internal {
  readonly cmd: typeof command
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

function isInternal(message: unknown): message is Internal {
  return typeof message === 'object' && message !== null && 'cmd' in message && message.cmd === command
}
