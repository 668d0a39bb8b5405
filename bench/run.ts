/**
 * Measures the whole proxy, with tracing of one request in a hundred, beside the floor and nginx, in turns within one
 * run, so that a noisy machine disturbs all alike. The figure to look at is the CPU time of a target's processes for each
 * request, and its ratio to the floor.
 * Prints one table and, with --record, appends it to RESULTS.md and keeps the ratio that the check in CI compares with.
 * --peers installs Portkey's gateway from npm into a folder of its own and measures it too. Needs Debian's nginx and wrk.
 * usage: npm run bench -- [--seconds N] [--rounds N] [--starts N] [--connections N] [--warmup N] [--peers] [--record]
 */
import { parseArgs } from 'node:util'
import { pacedEveryMs } from './nginx.ts'
import { describePlan, planOf, planOptions, readNumber } from './options.ts'
import { installPortkey } from './peers.ts'
import { measureRatio, patientPlan, writeRecorded } from './ratio.ts'
import { inTurns, usualHead, usualRow } from './rounds.ts'
import { Stand } from './stand.ts'
import { type Cell, heading, report, table } from './table.ts'
import {
  betweenTargets,
  jobs,
  nginxTarget,
  pacedConnections,
  pair,
  smallAnswer,
  type Target,
  telemetryTargets,
} from './targets.ts'

const { values } = parseArgs({
  options: {
    ...planOptions,
    starts: { type: 'string', default: '3' },
    peers: { type: 'boolean', default: false },
  },
})
const plan = { ...planOf(values), starts: readNumber('starts', values.starts) }

const stand = await Stand.open()
const peer = values.peers ? await installPortkey(stand, smallAnswer) : undefined
try {
  const rows: Cell[][] = []
  for (const group of groups()) {
    const measured = await inTurns(stand, group, plan)
    const added = measured.map((one) => usualRow(one, measured[0] ?? one))
    console.error(added.map((row) => row.join(' | ')).join('\n'))
    rows.push(...added)
  }
  const pace = `Events one by one are ${pacedEveryMs} ms apart, and asked for over ${pacedConnections} connections.`
  const intro = `${describePlan(plan)} ${pace}`
  report([heading('The whole proxy'), intro, table(usualHead, rows)].join('\n\n'), values.record)
  if (values.record) {
    const { ratio } = await measureRatio(stand, patientPlan)
    writeRecorded(ratio)
    console.log(`The ratio for the check in CI is ${ratio.toFixed(2)}.`)
  }
} finally {
  peer?.remove()
  await stand.close()
}

/** Compared within themselves: the first of each is 1.00. */
function groups(): Target[][] {
  const { upstream, collector, proxyPort } = stand
  return jobs
    .map((job) => [
      ...pair(upstream, job, collector),
      ...(job === smallAnswer && peer ? [peer.target] : []),
      ...(job.stream && !job.paced ? betweenTargets(upstream, proxyPort, job) : []),
      ...(job.stream ? [nginxTarget(proxyPort, job)] : []),
    ])
    .concat([telemetryTargets(upstream, collector)])
}
