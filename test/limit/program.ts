/**
 * A process that takes limits as it is told, for tests of limits over several processes. Started with one argument,
 * the options as JSON. With the store `cluster` it becomes a primary with two workers and passes the orders on.
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { systemClock } from '../../src/clock.ts'
import { createLimiter, type Limiter } from '../../src/limit/limiter.ts'
import { serveClusterLimits } from '../../src/limit/primary.ts'
import { MovedClock } from '../support/clock.ts'
import type { Order, ProgramOptions, Report } from './drive.ts'

const options: ProgramOptions = JSON.parse(process.argv[2] ?? '{}')

if (options.store === 'cluster' && cluster.isPrimary) lead()
else obey()

function lead(): void {
  serveClusterLimits()
  const workers = [cluster.fork(), cluster.fork()]
  process.on('message', (order: Order) => {
    if (order.act === 'kill') kill(workers[order.worker])
    else if (order.act === 'fork') workers[order.worker] = cluster.fork()
    else workers[order.worker]?.send(order)
  })
  cluster.on('message', (_worker, message: Report) => {
    if (message.report) process.send?.(message)
  })
  cluster.on('exit', (worker, code) => {
    report({ report: 'exited', worker: workers.indexOf(worker), id: 0, admitted: code })
  })
}

/** Stands still afterwards, so that the worker's end and its last messages are found in one turn, in whatever order. */
function kill(worker: Worker | undefined): void {
  worker?.process.kill('SIGKILL')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
}

function obey(): void {
  // The test may end the primary while this worker still starts.
  cluster.worker?.on('error', () => process.exit())
  const moved = new MovedClock()
  const clock = options.store === 'redis' ? systemClock : moved
  const limiter = createLimiter({ ...options, overrides: new Map(), clock, onFallback() {} })
  process.on('message', async (order: Order) => {
    if (!order.act) return
    if (order.act === 'leave') return leave(limiter, order)
    const admitted = act(limiter, order)
    // Before any answer can be read: the time of all that were just asked is out.
    if (order.act === 'take late') moved.move(60_000)
    report({ report: 'done', worker: order.worker, id: order.id, admitted: await admitted })
  })
}

async function act(limiter: Limiter, { act, client, times }: Order): Promise<number> {
  if (act === 'take' || act === 'take late') {
    const grants = await Promise.all(Array.from({ length: times }, () => limiter.take(client)))
    return grants.filter((grant) => grant.ok).length
  }
  if (act === 'charge') limiter.charge(client, times)
  for (let slot = 0; act === 'release' && slot < times; slot++) limiter.release(client)
  // What is given back only once it has been handed back is on its way before the report is.
  await new Promise((resolve) => setImmediate(resolve))
  return 0
}

/** Leaves the cluster as a worker that drains does, uses limits once more, and tells by its exit code how that went. */
async function leave(limiter: Limiter, { client, times }: Order): Promise<void> {
  const left = once(process, 'disconnect')
  cluster.worker?.disconnect()
  await left
  const admitted = await act(limiter, { act: 'take', client, times, id: 0, worker: 0 })
  limiter.charge(client, 1)
  limiter.release(client)
  // An error event of the closed channel would come before this and end the process with another code.
  setImmediate(() => process.exit(100 + admitted))
}

function report(message: Report): void {
  process.send?.(message)
}
