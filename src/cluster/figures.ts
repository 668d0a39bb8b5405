import type { Histogram, Totals, UpstreamView } from '../page/frame.ts'
import { metricTable as table } from '../telemetry/metric-table.ts'
import type { Sample, Snapshot } from '../telemetry/snapshot.ts'

type Keep = (labels: Sample['labels']) => boolean

const all: Keep = () => true

/** How a try ends that says nothing against its upstream, which may well ask for patience. */
const faultless: ReadonlySet<string> = new Set(['ok', 'aborted', 'lost_hedge', 'client_error', 'rate_limited'])

/** Picks what the live page shows from the metrics that are counted anyway; nothing is counted for it. */
export class Figures {
  private readonly samples: ReadonlyMap<string, readonly Sample[]>

  constructor(metrics: Snapshot) {
    this.samples = new Map(metrics.map(({ name, values }) => [name, values]))
  }

  totals(): Totals {
    const duration = table.requestDuration.name
    const requests = this.series(duration, `${duration}_count`, isAsked)
    const answered = (fits: (status: number) => boolean) => sum(requests.filter(({ labels }) => fits(statusOf(labels))))
    const failed = answered((status) => status >= 500)
    const left = answered((status) => status === 499)
    return {
      ok: answered((status) => status < 400),
      refused: sum(requests) - answered((status) => status < 400) - failed - left,
      failed,
      left,
      duration: this.histogram(duration, isAsked),
      firstEvent: this.histogram(table.timeToFirstChunk.name, all),
      overhead: this.histogram(table.overhead.name, all),
      inputTokens: this.sum(table.tokens.name, (labels) => labels.gen_ai_token_type === 'input'),
      outputTokens: this.sum(table.tokens.name, (labels) => labels.gen_ai_token_type === 'output'),
      retries: this.sum(table.retries.name, all),
    }
  }

  upstream(name: string): Pick<UpstreamView, 'tries' | 'failures' | 'firstEvent'> {
    const its: Keep = ({ upstream }) => upstream === name
    const { name: attempts } = table.attempts
    return {
      tries: this.sum(attempts, its),
      failures: this.sum(attempts, (labels) => its(labels) && !faultless.has(String(labels.outcome))),
      firstEvent: this.histogram(table.timeToFirstChunk.name, its),
    }
  }

  private sum(name: string, keep: Keep): number {
    return sum(this.series(name, undefined, keep))
  }

  private histogram(name: string, keep: Keep): Histogram {
    const counts = new Map<number, number>()
    for (const { labels, value } of this.series(name, `${name}_bucket`, keep)) {
      const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
      counts.set(bound, (counts.get(bound) ?? 0) + value)
    }
    const sorted = [...counts].sort(([a], [b]) => a - b)
    return { bounds: sorted.slice(0, -1).map(([bound]) => bound), counts: sorted.map(([, count]) => count) }
  }

  private series(name: string, metricName: string | undefined, keep: Keep): readonly Sample[] {
    const samples = this.samples.get(name) ?? []
    return samples.filter((sample) => (!metricName || sample.metricName === metricName) && keep(sample.labels))
  }
}

/** Health checks come every few seconds and take no time: among requests they would hide what clients see. */
function isAsked({ route }: Sample['labels']): boolean {
  return !String(route).startsWith('/health')
}

/** An unregistered status is `other`; upstreams that invent one mean nothing good. */
function statusOf({ status }: Sample['labels']): number {
  return Number(status) || 500
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((total, { value }) => total + value, 0)
}
