import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export interface ProgramOptions {
  readonly store: 'cluster' | 'redis'
  readonly redisUrl?: string
  readonly leaseMs?: number
  readonly workers: number
  readonly requests: number
  readonly tokens: number
  readonly concurrency: number
}

export interface Order {
  readonly id: number
  readonly worker: number
  readonly act: 'take' | 'take late' | 'release' | 'charge' | 'kill' | 'leave' | 'fork'
  readonly client: string
  readonly times: number
}

export interface Report {
  readonly report: 'done' | 'exited'
  readonly worker: number
  readonly id: number
  /** Of a worker that exited, its code. */
  readonly admitted: number
}

/** A process of `program.ts`; `worker` chooses one of a cluster's two. */
export interface Driven {
  /** Asks `times` times at once and tells how many were admitted. */
  take(client: string, times: number, worker?: number): Promise<number>
  /** The same, but whatever the primary answers comes too late. */
  takeLate(client: string, times: number, worker?: number): Promise<number>
  release(client: string, times: number, worker?: number): Promise<void>
  charge(client: string, tokens: number, worker?: number): Promise<void>
  /** Kills one worker without warning; resolves when the primary has seen its end. */
  kill(worker: number): Promise<void>
  /** Lets one worker leave the cluster and then ask `times` times; resolves with its exit code, 100 + the admitted. */
  leave(client: string, times: number, worker: number): Promise<number>
  fork(worker: number): void
  /** Kills the whole process without warning. */
  end(): Promise<void>
}

export function drive(options: ProgramOptions): Driven {
  const child = fork(new URL('./program.ts', import.meta.url), [JSON.stringify(options)])
  const waiting = new Map<number, (admitted: number) => void>()
  let lastId = 0
  child.on('message', ({ report, id, admitted }: Report) => {
    if (report === 'done') waiting.get(id)?.(admitted)
  })

  const order = (act: Order['act'], client: string, times: number, worker: number) =>
    new Promise<number>((resolve, reject) => {
      const id = ++lastId
      waiting.set(id, resolve)
      child.send({ id, worker, act, client, times } satisfies Order, (error) => error && reject(error))
    })
  return {
    take: (client, times, worker = 0) => order('take', client, times, worker),
    takeLate: (client, times, worker = 0) => order('take late', client, times, worker),
    async release(client, times, worker = 0) {
      await order('release', client, times, worker)
    },
    async charge(client, tokens, worker = 0) {
      await order('charge', client, tokens, worker)
    },
    async kill(worker) {
      const gone = exited(child, worker)
      child.send({ id: 0, worker, act: 'kill', client: '', times: 0 } satisfies Order)
      await gone
    },
    leave(client, times, worker) {
      const gone = exited(child, worker)
      child.send({ id: 0, worker, act: 'leave', client, times } satisfies Order)
      return gone
    },
    fork(worker) {
      child.send({ id: 0, worker, act: 'fork', client: '', times: 0 } satisfies Order)
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

function exited(child: ChildProcess, worker: number): Promise<number> {
  return new Promise((resolve) => {
    const listen = (message: Report) => {
      if (message.report !== 'exited' || message.worker !== worker) return
      child.off('message', listen)
      resolve(message.admitted)
    }
    child.on('message', listen)
  })
}
