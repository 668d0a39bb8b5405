import { once } from 'node:events'
import { connect } from 'node:net'
import type { Stand } from '../stand.ts'
import { startCluster, type Way } from './balance.ts'

const clients = 16
const replacements = 20
/** Who has no answer by then never gets one: these servers answer at once. */
const hangMs = 3000

export interface Losses {
  answered: number
  reset: number
  hanging: number
}

/** What becomes of clients that open a connection for each request, while a worker of a small cluster is replaced 20 times. */
export async function lossesOf(stand: Stand, way: Way): Promise<Losses> {
  const { child, port, end } = await startCluster(stand, way, 2)
  const losses = await under(port, async () => {
    for (let at = 0; at < replacements; at++) {
      child.send('replace')
      await once(child, 'message')
    }
  })
  await end()
  return losses
}

/** The same of the proxy, whose two workers a reload replaces one after the other. */
export function lossesAt(port: number, adminPort: number): Promise<Losses> {
  return under(port, async () => {
    for (let at = 0; at < replacements / 2; at++) {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/reload`, { method: 'POST' })
      if (!answer.ok) throw new Error(`a reload was refused: ${await answer.text()}`)
    }
  })
}

/** Lets the clients ask for as long as the work takes. */
async function under(port: number, work: () => Promise<void>): Promise<Losses> {
  const losses: Losses = { answered: 0, reset: 0, hanging: 0 }
  let over = false
  const asking = Array.from({ length: clients }, async () => {
    while (!over) losses[await askOnce(port)]++
  })
  try {
    await work()
  } finally {
    over = true
  }
  await Promise.all(asking)
  return losses
}

function askOnce(port: number): Promise<keyof Losses> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const late = setTimeout(end, hangMs, 'hanging')
    socket.write('GET /health HTTP/1.1\r\nHost: losses\r\nConnection: close\r\n\r\n')
    socket.once('data', () => end('answered'))
    socket.once('error', () => end('reset'))
    socket.once('end', () => end('reset'))
    function end(how: keyof Losses): void {
      clearTimeout(late)
      socket.destroy()
      resolve(how)
    }
  })
}
