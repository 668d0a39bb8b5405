import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runClients } from './clients.ts'
import { startProgram } from './program.ts'
import { type Fault, faults, type Provider, startProvider } from './provider.ts'
import { type Figures, figuresOf, Tally } from './tally.ts'

/**
 * Four upstreams, of which one after another breaks in one way after another, while 200 clients ask without pause.
 * Prints what they saw and exits 1 where it is not good enough. Usage: node test/chaos/chaos.ts [--seconds 60]
 */

const CLIENTS = 200
const BREAKER_OPEN_MS = 1000
const TIMEOUT_MS = 1500

const limits = { success: 0.999, attempts: 1.25 }

/** The defaults but for the times, which would otherwise make one fault last longer than the whole run. */
const env = {
  WORKERS: '2',
  LOG_LEVEL: 'warn',
  BREAKER_OPEN_MS: String(BREAKER_OPEN_MS),
  FIRST_EVENT_TIMEOUT_MS: String(TIMEOUT_MS),
  IDLE_TIMEOUT_MS: String(TIMEOUT_MS),
  // Clients, upstreams and proxy share the machine here; being late itself is not what is looked at.
  MAX_EVENT_LOOP_LAG_MS: '60000',
}

interface Phase extends Figures {
  readonly name: string
  /** Milliseconds from the end of the fault until the shares were even again; undefined when they never were. */
  readonly evenAfter: number | undefined
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } })
const turnMs = (Number(values.seconds) * 1000) / (faults.length + 0.5)

const providers = await Promise.all([1, 2, 3, 4].map(startProvider))
const program = await startProgram({ ...env, UPSTREAM_API_URL: providers.map(({ base }) => base).join(',') })
const tally = new Tally()
const stop = new AbortController()
const clients = runClients(program.base, CLIENTS, tally, stop.signal)

await after(turnMs / 2)
const phases: Phase[] = [{ name: 'all is well', evenAfter: 0, ...figuresOf(tally.take()) }]
for (const [at, fault] of faults.entries()) {
  phases.push(await breakOne(providers[at % providers.length] as Provider, fault))
}
stop.abort()
await clients
const exitCode = await program.stop()
await Promise.all(providers.map((provider) => provider.close()))
report()

/** Lets one upstream have a fault for a while, and recover. */
async function breakOne(provider: Provider, fault: Fault): Promise<Phase> {
  const endsAt = performance.now() + turnMs
  provider.fault = fault
  await after(turnMs / 3)
  provider.fault = undefined
  const evenAfter = await evenAgain(endsAt)
  await after(Math.max(0, endsAt - performance.now()))
  return { name: `one ${fault}`, evenAfter, ...figuresOf(tally.take()) }
}

async function evenAgain(until: number): Promise<number | undefined> {
  const from = performance.now()
  const names = providers.map(({ base }) => new URL(base).host)
  while (performance.now() < until) {
    if (tally.isEven(names)) return performance.now() - from
    await after(100)
  }
  return undefined
}

function report(): void {
  for (const phase of phases) console.log(lineOf(phase))
  const failed = phases.flatMap(failuresOf)
  if (exitCode !== 0) failed.push(`the proxy ended with ${exitCode}`)
  console.log(failed.length === 0 ? 'The figures hold.' : `They do not hold:\n  ${failed.join('\n  ')}`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

function lineOf({ name, requests, success, attempts, evenAfter, ...rest }: Phase): string {
  const even = evenAfter === undefined ? 'never even again' : `even after ${(evenAfter / 1000).toFixed(1)} s`
  return [
    name.padEnd(20),
    `${requests} requests`,
    `${(success * 100).toFixed(3)} % answered${rest.statuses === '' ? '' : ` (${rest.statuses})`}`,
    `${attempts.toFixed(3)} tries each`,
    `p50 ${rest.p50} ms, p99 ${rest.p99} ms`,
    `${rest.streams} streams: ${rest.toldBroken} broke and said so, ${rest.silentlyBroken} in silence`,
    even,
  ].join(' · ')
}

function failuresOf({ name, success, attempts, silentlyBroken, evenAfter }: Phase): string[] {
  return [
    ...(success >= limits.success ? [] : [`${name}: ${(success * 100).toFixed(3)} % of the plain requests answered`]),
    ...(attempts <= limits.attempts ? [] : [`${name}: ${attempts.toFixed(3)} tries for each request`]),
    ...(silentlyBroken === 0 ? [] : [`${name}: ${silentlyBroken} streams broke in silence`]),
    ...(evenAfter === undefined ? [`${name}: the shares did not become even again`] : []),
  ]
}
