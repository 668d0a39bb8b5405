import { type AttemptFacts, type Facts, newAttempt, newFacts, type Usage } from '../../src/facts.ts'
import { count } from '../../src/telemetry/count.ts'
import { endOf } from '../../src/telemetry/ended.ts'
import { createMetrics, type Metrics, type MetricsOptions } from '../../src/telemetry/metrics.ts'
import type { Snapshot } from '../../src/telemetry/snapshot.ts'
import type { Exemplar } from '../../src/telemetry/tally.ts'

/** A worker's metrics that know the model gpt-known and the upstream near. */
export function someMetrics(options: Partial<MetricsOptions> = {}): Metrics {
  return createMetrics({
    worker: '1',
    version: '1.2.3',
    models: ['gpt-known'],
    upstreams: [{ name: 'near', provider: 'openai' }],
    inFlight: () => 0,
    connectionsResting: () => 0,
    upstreamStates: () => [],
    rateLimitFallback: () => false,
    spansDropped: () => [],
    ...options,
  })
}

const someUsage: Usage = { input: 11, output: 22, cached: 3, reasoning: 4 }

/** A whole un-streamed request: asked at 1000, first event at 1200, answered by the upstream at 1600. */
export function someFacts(changes: Partial<Facts> = {}): Facts {
  return {
    ...newFacts('req-1', 1000, 'POST', '/v1/chat/completions'),
    mode: 'unstream',
    client: 'team-a',
    model: 'gpt-known',
    attempts: [someAttempt()],
    upstreamMs: 590,
    usage: someUsage,
    response: { id: 'chatcmpl-9', model: 'gpt-known-2024', finishReasons: ['stop'] },
    parameters: { temperature: 0.25, topP: 0.75, maxTokens: 64, choices: 2 },
    status: 200,
    requestBytes: 120,
    responseBytes: 340,
    ...changes,
  }
}

export function someAttempt(changes: Partial<AttemptFacts> = {}): AttemptFacts {
  return {
    ...newAttempt('near', 1000),
    firstEventAt: 1200,
    endedAt: 1600,
    status: 200,
    outcome: 'ok',
    events: 5,
    bytes: 500,
    usage: someUsage,
    ...changes,
  }
}

/** Counts one request that uses every metric of a worker: limited, tried twice, with tokens. */
export function countSome(metrics: Metrics, exemplar: Exemplar | undefined): void {
  const attempts = [someAttempt({ outcome: 'truncated', retried: true }), someAttempt()]
  const limit = { ok: true, retryAfterMs: 0, requests: { limit: 9, remaining: 8, resetMs: 1 } }
  count(metrics, endOf(someFacts({ attempts, limit }), { now: () => 1610 }), exemplar)
  count(
    metrics,
    endOf(someFacts({ route: '/v1/models', attempts: [], code: 'overloaded', status: 503 }), { now: () => 1001 }),
    undefined,
  )
  metrics.stageDuration(0.001, undefined, 'access', 'ok')
  metrics.circuitTransitions(1, 'near', 'open')
}

/** The value of one line of a snapshot; undefined where there is no such line. */
export function readValue(
  snapshot: Snapshot,
  metricName: string,
  labels: Readonly<Record<string, string | number>> = {},
): number | undefined {
  for (const { name, values } of snapshot) {
    for (const sample of values) {
      if ((sample.metricName ?? name) !== metricName) continue
      if (sameLabels(sample.labels, labels)) return sample.value
    }
  }
  return undefined
}

function sameLabels(found: Readonly<Record<string, string | number>>, wanted: typeof found): boolean {
  const keys = Object.keys(found)
  return keys.length === Object.keys(wanted).length && keys.every((key) => String(found[key]) === String(wanted[key]))
}

/** How many lines a snapshot has that come from requests; those of the process come and go with its garbage. */
export function seriesIn(snapshot: Snapshot): number {
  return snapshot.reduce((sum, { name, values }) => sum + (/^(?:nodejs|process)_/.test(name) ? 0 : values.length), 0)
}
