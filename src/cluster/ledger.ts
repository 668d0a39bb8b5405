import type { App } from '../app.ts'
import type { ExpositionFormat } from '../telemetry/exposition.ts'
import { ClusterMetrics } from '../telemetry/merge.ts'
import { type Family, isSnapshot, type Snapshot } from '../telemetry/snapshot.ts'
import type { Load, Question, WorkerLive } from './messages.ts'
import { add, none, type WorkerLoad } from './stats.ts'

/** Whoever counts requests: a worker process, or this process where there are none. */
export interface Counting {
  /** Never used again for another. */
  readonly id: string
  readonly slot: string
  readonly pid: number
  /** It only finishes what runs; how the upstreams are now, others tell. */
  readonly replaced?: boolean
  ask(question: Question, timeoutMs: number): Promise<unknown>
}

/** A worker that is busy for longer than this is shown with what it last said. Milliseconds. */
const askMs = 2000

/** What all workers have counted, those that have ended included, so that no total ever falls. */
export class Ledger {
  private readonly metrics = new ClusterMetrics()
  private readonly loads = new Map<string, Load>()
  private ended: Load = none

  /** Asks the workers for their metrics and loads. Never rejects: one that does not answer keeps what it last said. */
  async collect(workers: readonly Counting[]): Promise<void> {
    await Promise.all(
      workers.flatMap((worker) => [
        worker.ask({ what: 'snapshot' }, askMs).then((snapshot) => this.takeFrom(worker, snapshot), unanswered),
        worker.ask({ what: 'load' }, askMs).then((load) => this.takeLoad(worker.id, load), unanswered),
      ]),
    )
  }

  /** The same, but of the metrics the totals only: gauges that begin anew when they are read are left to who scrapes. */
  async count(workers: readonly Counting[]): Promise<void> {
    await Promise.all(
      workers.flatMap((worker) => [
        worker.ask({ what: 'totals' }, askMs).then((totals) => this.takeTotals(worker.id, totals), unanswered),
        worker.ask({ what: 'load' }, askMs).then((load) => this.takeLoad(worker.id, load), unanswered),
      ]),
    )
  }

  /** The models that the configuration names keep their own label, however many others come. */
  know(models: Iterable<string>): void {
    this.metrics.know(models)
  }

  /** After a reload with newer files, workers may be of another version: what they count is missing, and no more. */
  takeMetrics(id: string, snapshot: unknown): void {
    if (isSnapshot(snapshot)) this.metrics.take(id, snapshot)
  }

  /** A breaker that was open under an old configuration would keep an alert firing until the last stream has ended. */
  private takeFrom({ id, replaced = false }: Counting, snapshot: unknown): void {
    const isItsOwn = (family: Family) => !replaced || !isOfUpstreams(family)
    this.takeMetrics(id, isSnapshot(snapshot) ? snapshot.filter(isItsOwn) : snapshot)
  }

  private takeTotals(id: string, totals: unknown): void {
    if (isSnapshot(totals)) this.metrics.takeSome(id, totals)
  }

  /**
   * Of an app that finishes what runs though another has taken its place in the process: that one tells of the process
   * and of the upstreams, which would be wrong if they were told twice.
   */
  async takeReplaced(id: string, app: Pick<App, 'snapshot' | 'totals'>): Promise<void> {
    const underWay = (await app.snapshot()).filter(isUnderWay)
    this.takeTotals(id, [...app.totals(), ...underWay])
  }

  takeLoad(id: string, load: unknown): void {
    if (isLoad(load)) this.loads.set(id, load)
  }

  /** Call when an app has ended whose process goes on: its metrics are kept. What the process counts goes on as well. */
  retire(id: string): void {
    this.metrics.forget(id)
    this.loads.delete(id)
  }

  /** Call when a worker has ended: its totals are kept. */
  close(id: string): void {
    this.metrics.forget(id)
    const { requests, errors } = this.loads.get(id) ?? none
    this.ended = add(this.ended, { ...none, requests, errors })
    this.loads.delete(id)
  }

  /** What these workers last said of themselves. */
  lastLoads(workers: readonly Counting[]): WorkerLoad[] {
    return workers.flatMap(({ id, slot, pid }) => {
      const load = this.loads.get(id)
      return load ? [{ worker: slot, pid, ...load }] : []
    })
  }

  /** What workers that have ended had counted. */
  get gone(): Load {
    return this.ended
  }

  /** All that was counted, as one. */
  merged(): Snapshot {
    return this.metrics.merged()
  }

  text(format: ExpositionFormat): { body: string; contentType: string } {
    return this.metrics.text(format)
  }
}

/** What a worker says of itself for the live page; nothing where it cannot, which never rejects. */
export async function askLive(worker: Pick<Counting, 'ask'>): Promise<WorkerLive | undefined> {
  const answer = await worker.ask({ what: 'live' }, askMs).catch(unanswered)
  return isLive(answer) ? answer : undefined
}

/** A worker that has just ended, starts, or is stuck; nothing is lost but how new its figures are. */
function unanswered(): void {}

/** A gauge of what an app has under way itself. */
function isUnderWay({ name, type, aggregator }: Family): boolean {
  return type === 'gauge' && aggregator === 'sum' && name.startsWith('proxy_')
}

/** A gauge of the state that something outside is in, which does not add up. */
function isOfUpstreams({ name, type, aggregator }: Family): boolean {
  return type === 'gauge' && aggregator !== 'sum' && name.startsWith('proxy_')
}

function isLive(value: unknown): value is WorkerLive {
  return typeof value === 'object' && value !== null && 'app' in value && 'load' in value && isLoad(value.load)
}

function isLoad(value: unknown): value is Load {
  return typeof value === 'object' && value !== null && 'requests' in value && 'heapUsed' in value
}
