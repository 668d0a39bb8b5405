import { Bounded, NONE } from './bounded.ts'
import { metricTable as table } from './metric-table.ts'
import { gauge, type OpenMetricsRegistry, openMetricsRegistry, readCounter } from './registry.ts'
import { runtimeMetrics } from './runtime.ts'
import { readSnapshot, type Snapshot } from './snapshot.ts'
import { Tallies } from './tally.ts'

export type CircuitState = 'closed' | 'half_open' | 'open'

const circuitNumbers: Readonly<Record<CircuitState, number>> = { closed: 0, half_open: 1, open: 2 }
const circuitStates = Object.keys(circuitNumbers)

/** What is true of an upstream now; read when the metrics are read, never pushed. */
export interface UpstreamState {
  readonly name: string
  readonly inFlight: number
  readonly circuit: CircuitState
  /** Asked to be left alone, by a 429; the breaker stays as it is. */
  readonly resting: boolean
}

export interface MetricsOptions {
  /** The worker's slot in the cluster, the same for the process that replaces it. */
  readonly worker: string
  readonly version: string
  /** The models and upstreams that the configuration names; each keeps its own label however many others come. */
  readonly models: Iterable<string>
  readonly upstreams: Iterable<{ readonly name: string; readonly provider: string }>
  readonly inFlight: () => number
  readonly connectionsResting: () => number
  readonly upstreamStates: () => Iterable<UpstreamState>
  /** Whether the rate limits are counted by this worker alone, because their store is away. */
  readonly rateLimitFallback: () => boolean
  /** Spans lost so far, by reason. */
  readonly spansDropped: () => Iterable<readonly [total: number, reason: string]>
}

export type Metrics = ReturnType<typeof createMetrics>

/**
 * A worker's metrics. Everything that is counted takes its amount or seconds first, then the labels in the
 * table's order; `model` and `upstream` turn names into labels that cannot grow without bound.
 */
export function createMetrics(options: MetricsOptions) {
  const registry = openMetricsRegistry()
  const tallies = new Tallies()
  const upstreams = [...options.upstreams]
  const models = new Bounded(options.models)
  const names = new Bounded(upstreams.map(({ name }) => name))
  const providers = new Map(upstreams.map(({ name, provider }) => [name, provider]))

  readWhenScraped(registry, options)
  runtimeMetrics(registry, options.worker)
  const circuitTransitions = tallies.counter(table.circuitTransitions)
  // From 0 on: what a series begins with is no change for Prometheus, and the first opening would not be seen.
  for (const { name } of options.upstreams) for (const to of circuitStates) circuitTransitions(0, name, to)
  return {
    model: (name: string | undefined): string => models.label(name),
    upstream: (name: string): string => names.label(name),
    provider: (upstream: string): string => providers.get(upstream) ?? NONE,
    requestDuration: tallies.histogram(table.requestDuration),
    stageDuration: tallies.histogram(table.stageDuration),
    overhead: tallies.histogram(table.overhead),
    attempts: tallies.counter(table.attempts),
    retries: tallies.counter(table.retries),
    circuitTransitions,
    rateLimitDecisions: tallies.counter(table.rateLimitDecisions),
    rejected: tallies.counter(table.rejected),
    streamEvents: tallies.counter(table.streamEvents),
    streamBytes: tallies.counter(table.streamBytes),
    operationDuration: tallies.histogram(table.operationDuration),
    timeToFirstChunk: tallies.histogram(table.timeToFirstChunk),
    timePerChunk: tallies.histogram(table.timePerChunk),
    tokens: tallies.counter(table.tokens),
    /** What has been counted. Cheap, and changes nothing, while to read the others begins some of them anew. */
    totals: (): Snapshot => tallies.snapshot(),
    /** All metrics as they are now, fit for IPC. */
    snapshot: (): Promise<Snapshot> => snapshotOf(tallies, registry),
  }
}

function readWhenScraped(registry: OpenMetricsRegistry, options: MetricsOptions): void {
  const { inFlight, connectionsResting, upstreamStates, spansDropped, rateLimitFallback, version } = options
  gauge(registry, table.requestsInFlight, () => [[inFlight()]])
  gauge(registry, table.connectionsResting, () => [[connectionsResting()]])
  gauge(registry, table.upstreamInFlight, function* () {
    for (const { name, inFlight } of upstreamStates()) yield [inFlight, name]
  })
  gauge(registry, table.circuitState, function* () {
    for (const { name, circuit } of upstreamStates()) yield [circuitNumbers[circuit], name]
  })
  gauge(registry, table.upstreamResting, function* () {
    for (const { name, resting } of upstreamStates()) yield [resting ? 1 : 0, name]
  })
  gauge(registry, table.rateLimitFallback, () => [[rateLimitFallback() ? 1 : 0]])
  // They are the process's, which may have had another app before.
  const before = new Map(Array.from(spansDropped(), ([total, reason]) => [reason, total]))
  readCounter(registry, table.spansDropped, function* () {
    for (const [total, reason] of spansDropped()) yield [total - (before.get(reason) ?? 0), reason]
  })
  gauge(registry, table.buildInfo, () => [[1, version, process.versions.node]])
}

/** What a primary would count, where there is none: a panel or an alert must not find "no data" instead of 0. */
export function createMetricsWithoutPrimary() {
  const tallies = new Tallies()
  tallies.counter(table.workerRestarts)
  return { snapshot: async () => tallies.snapshot() }
}

/** The primary's own metrics: how often workers were restarted, and its process as worker `primary`. */
export function createPrimaryMetrics() {
  const registry = openMetricsRegistry()
  const tallies = new Tallies()
  runtimeMetrics(registry, 'primary')
  return {
    workerRestarts: tallies.counter(table.workerRestarts),
    snapshot: (): Promise<Snapshot> => snapshotOf(tallies, registry),
  }
}

async function snapshotOf(tallies: Tallies, registry: OpenMetricsRegistry): Promise<Snapshot> {
  return [...tallies.snapshot(), ...readSnapshot(await registry.getMetricsAsJSON())]
}
