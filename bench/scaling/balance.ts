import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { freePort } from '../../test/support/port.ts'
import type { Stand } from '../stand.ts'

const serverFile = new URL('server.ts', import.meta.url).pathname
const connections = 64

/** Ways that node:cluster has, by the name that `server.ts` knows. */
export const ways = {
  'in-turn': 'in turn by the primary (`SCHED_RR`)',
  first: 'whoever accepts first (`SCHED_NONE`)',
  kernel: 'by the kernel’s hash (`reusePort`)',
} as const

export type Way = keyof typeof ways

export interface Cluster {
  readonly child: ChildProcess
  readonly port: number
  end(): Promise<void>
}

/** Starts a small cluster; fulfilled when all of its workers listen. */
export async function startCluster(stand: Stand, way: Way, workers: number): Promise<Cluster> {
  const child = stand.spawn(`cluster-${way}`, [serverFile, way, String(workers)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  // Chosen here: with port 0 and reusePort each worker would get another one.
  child.send(await freePort())
  const [{ port }] = await once(child, 'message')
  return {
    child,
    port,
    async end() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** How many of 64 kept connections each worker of a small cluster got, the most first, such as `34/30`. */
export async function balanceOf(stand: Stand, way: Way, workers: number, atOnce: boolean): Promise<string> {
  const { port, end } = await startCluster(stand, way, workers)
  const pids = await whoAnswers(port, atOnce)
  await end()
  return written(pids, workers)
}

/** The same of the proxy itself, which says its worker's process id at `/health`. */
export async function balanceAt(url: string, workers: number, atOnce: boolean): Promise<string> {
  return written(await whoAnswers(Number(new URL(url).port), atOnce), workers)
}

/** Opens all connections and keeps them until each has had its answer. */
async function whoAnswers(port: number, atOnce: boolean): Promise<number[]> {
  const sockets: Socket[] = []
  const answers: Promise<number>[] = []
  for (let at = 0; at < connections; at++) {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    const answer = askWho(socket)
    answers.push(answer)
    if (!atOnce) await answer
  }
  const pids = await Promise.all(answers)
  for (const socket of sockets) socket.destroy()
  return pids
}

async function askWho(socket: Socket): Promise<number> {
  socket.write('GET /health HTTP/1.1\r\nHost: balance\r\n\r\n')
  let text = ''
  for await (const [part] of on(socket)) {
    text += part
    const [, pid] = /"pid":\s*(\d+)/.exec(text) ?? []
    if (pid !== undefined) return Number(pid)
  }
  throw new Error('a connection was closed before it was answered')
}

async function* on(socket: Socket): AsyncGenerator<[string]> {
  while (!socket.readableEnded) {
    const [part] = await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
    yield [String(part)]
  }
}

/** A worker that got nothing is a 0. */
function written(pids: readonly number[], workers: number): string {
  const counts = new Map<number, number>()
  for (const pid of pids) counts.set(pid, (counts.get(pid) ?? 0) + 1)
  const all = [...counts.values(), ...Array.from({ length: workers - counts.size }, () => 0)]
  return all.sort((one, other) => other - one).join('/')
}
