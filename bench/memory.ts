/**
 * What a request that waits costs in memory. `stream` and `unstream` hold that many requests open in one worker, three times,
 * after a first small wave that is not counted, since the first requests bring code and tables into memory; each figure is
 * taken after a full collection. `active` has two workers with streams that all say a word every second.
 * --http2 has the upstream speak HTTP/2, where a hundred streams share a connection: then a worker may hold twice as many.
 * usage: npm run bench:memory -- [--mode all|stream|unstream|active] [--streams N] [--http2] [--waves N] [--every MS] [--record]
 */
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ask, insideEnv, insideFlags } from './ask.ts'
import { streamsWithinLimit } from './memory/files.ts'
import { makeIdentity } from './memory/identity.ts'
import { Streams } from './memory/streams.ts'
import { readNumber } from './options.ts'
import { childrenOf, costOf, sharedOnce } from './processes.ts'
import { type Running, Stand } from './stand.ts'
import { type Cell, figure, heading, report, table } from './table.ts'
import { proxyTarget, smallAnswer } from './targets.ts'

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'all' },
    streams: { type: 'string', default: '1000' },
    http2: { type: 'boolean', default: false },
    waves: { type: 'string', default: '3' },
    every: { type: 'string', default: '1000' },
    record: { type: 'boolean', default: false },
  },
})
const modes = values.mode === 'all' ? ['stream', 'unstream', 'active'] : [values.mode]
const wanted = readNumber('streams', values.streams)
const notes: string[] = []
/** The client's socket, and the upstream's unless it is shared. */
const socketsOfOne = values.http2 ? 1 : 2
const count = streamsWithinLimit(wanted, socketsOfOne, (sentence) => notes.push(sentence))
/** Nothing of this may end while it is being measured, or be refused. */
const env = {
  MAX_CONCURRENCY: '1000000',
  MAX_EVENT_LOOP_LAG_MS: '0',
  FIRST_EVENT_TIMEOUT_MS: '3600000',
  IDLE_TIMEOUT_MS: '3600000',
  REQUEST_TIMEOUT_MS: '7200000',
}
const settleMs = 2000
const each = ['kB of RSS each', 'kB of heap and outside each']

for (const note of notes) console.error(note)
const sections: string[] = []
for (const mode of modes) sections.push(await measured(mode))
report([heading('Memory'), ...notes, ...sections].join('\n\n'), values.record)

async function measured(mode: string): Promise<string> {
  const stand = await Stand.open()
  try {
    if (mode === 'active') return await active(stand)
    if (mode === 'stream' || mode === 'unstream') return await idle(stand, mode === 'stream')
    throw new Error('--mode is all, stream, unstream or active')
  } finally {
    await stand.close()
  }
}

async function idle(stand: Stand, stream: boolean): Promise<string> {
  const identity = values.http2 ? makeIdentity(stand.dir) : undefined
  const streams = await Streams.start(stand, 0, identity)
  const trust = identity ? { UPSTREAM_HTTP2: 'true', NODE_EXTRA_CA_CERTS: identity.certificate } : {}
  const choices = { flags: insideFlags, env: { ...env, ...trust, ...insideEnv(stand.dir) } }
  const target = await stand.start(proxyTarget(streams.upstream, smallAnswer, choices))
  const [worker] = childrenOf(target.pid)
  if (worker === undefined) throw new Error('the proxy has no worker')
  const memory = async () => {
    await wait(settleMs)
    return ask<NodeJS.MemoryUsage>(stand.dir, worker, 'memory')
  }
  await streams.open(target.url, Math.ceil(count / 10), stream)
  await streams.finish()
  const before = await memory()
  const rows: Cell[][] = [rowOf('before', before, before)]
  for (let wave = 1; wave <= readNumber('waves', values.waves); wave++) {
    await streams.open(target.url, count, stream)
    rows.push(rowOf(`wave ${wave}, all open`, await memory(), before))
    await streams.finish()
    rows.push(rowOf(`wave ${wave}, all finished`, await memory(), before))
  }
  const kind = stream ? 'idle pass-through streams' : 'pending un-streamed requests'
  const title = `${count} ${kind} in one worker${values.http2 ? ', HTTP/2 to the upstream' : ''}:`
  const head = ['when', 'RSS, MiB', 'heap with its free pages, MiB', 'heap, MiB', 'outside of it, MiB', ...each]
  return `${title}\n\n${table(head, rows)}`
}

function rowOf(when: string, now: NodeJS.MemoryUsage, before: NodeJS.MemoryUsage): Cell[] {
  const used = ({ heapUsed, external }: NodeJS.MemoryUsage) => heapUsed + external
  const perStream = (bytes: number) => (now === before ? '' : (bytes / count / 1000).toFixed(1))
  return [
    when,
    ...[now.rss, now.heapTotal, now.heapUsed, now.external].map((bytes) => (bytes / 2 ** 20).toFixed(1)),
    perStream(now.rss - before.rss),
    perStream(used(now) - used(before)),
  ]
}

/** No collection is forced here: it is what an operator sees of the cluster. */
async function active(stand: Stand): Promise<string> {
  const everyMs = readNumber('every', values.every)
  const streams = await Streams.start(stand, everyMs)
  const target = await stand.start(proxyTarget(streams.upstream, smallAnswer, { env: { ...env, WORKERS: '2' } }))
  const rows: Cell[][] = [clusterRow('before', target, 0)]
  await streams.open(target.url, count, true)
  for (let seconds = 5; seconds <= 15; seconds += 5) {
    const before = costOf(target.pid)
    await wait(5000)
    const cores = (costOf(target.pid).cpuUs - before.cpuUs) / 5e6
    rows.push(clusterRow(`after ${seconds} s`, target, cores))
  }
  await streams.finish()
  await wait(settleMs)
  rows.push(clusterRow('all finished', target, 0))
  const title = `${count} active pass-through streams, a word every ${everyMs} ms each, in a primary and two workers:`
  return `${title}\n\n${table(['when', 'RSS, MiB', 'what is shared counted once, MiB', 'cores busy'], rows)}`
}

function clusterRow(when: string, { pid }: Running, cores: number): Cell[] {
  const inMiB = (bytes: number) => figure(Math.round(bytes / 2 ** 20))
  return [when, inMiB(costOf(pid).rssBytes), inMiB(sharedOnce(pid)), cores === 0 ? '' : cores.toFixed(2)]
}
