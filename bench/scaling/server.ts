/**
 * A cluster as small as can be, to see who gets a connection and what is lost when a worker is replaced: each worker answers
 * with its process id. Its parent sends the port, hears when all listen, and may send `replace` afterwards.
 * usage: node server.ts in-turn|first|kernel WORKERS
 */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'

const [way = 'in-turn', workers = '2'] = process.argv.slice(2)

if (cluster.isPrimary) {
  cluster.schedulingPolicy = way === 'in-turn' ? cluster.SCHED_RR : cluster.SCHED_NONE
  process.once('message', async (port) => {
    const all = await Promise.all(Array.from({ length: Number(workers) }, () => fork(Number(port))))
    process.send?.({ port })
    process.on('message', () => replace(all, Number(port)))
  })
  // Workers end when the channel to their primary does.
  process.on('disconnect', () => process.exit())
} else {
  const options = { port: Number(process.env.PORT), host: '127.0.0.1', reusePort: way === 'kernel' }
  const server = createServer((_, res) => res.end(JSON.stringify({ pid: process.pid })))
  server.listen(options, () => process.send?.('listening'))
  // Ends as node:http says: no connection is taken any more, and those that are there are answered.
  process.on('message', () => server.close(() => process.exit()))
}

/** Not the event 'listening': with reusePort a worker listens without asking the primary, which hears nothing of it. */
async function fork(port: number): Promise<Worker> {
  const worker = cluster.fork({ PORT: String(port) })
  await once(worker, 'message')
  return worker
}

/** The new one listens before the old one closes. */
async function replace(all: Worker[], port: number): Promise<void> {
  const old = all.shift()
  all.push(await fork(port))
  const ended = old && once(old, 'exit')
  old?.send('end')
  await ended
  process.send?.('replaced')
}
