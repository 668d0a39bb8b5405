/**
 * A cluster as small as can be, to see who gets a connection: each worker answers with its process id.
 * usage: node server.ts in-turn|first|kernel WORKERS
 */
import cluster from 'node:cluster'
import { createServer } from 'node:http'

const [way = 'in-turn', workers = '2'] = process.argv.slice(2)

if (cluster.isPrimary) {
  cluster.schedulingPolicy = way === 'in-turn' ? cluster.SCHED_RR : cluster.SCHED_NONE
  let listening = 0
  process.once('message', (port) => {
    // Not the event 'listening': with reusePort a worker listens without asking the primary, which hears nothing of it.
    cluster.on('message', () => {
      if (++listening === Number(workers)) process.send?.({ port })
    })
    for (let at = 0; at < Number(workers); at++) cluster.fork({ PORT: String(port) })
  })
  // Workers end when the channel to their primary does.
  process.on('disconnect', () => process.exit())
} else {
  const options = { port: Number(process.env.PORT), host: '127.0.0.1', reusePort: way === 'kernel' }
  createServer((_, res) => res.end(JSON.stringify({ pid: process.pid }))).listen(options, () =>
    process.send?.('listening'),
  )
}
