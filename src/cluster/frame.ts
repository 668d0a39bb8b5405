import type { FailureView, Frame, RequestView, UpstreamView, WorkerView } from '../page/frame.ts'
import type { AppLive } from '../wiring/live.ts'
import type { Look, WorkerLook } from './control.ts'
import { Figures } from './figures.ts'

/** What is the same for every frame, or comes from this process's clock. */
export interface Moment {
  /** Epoch milliseconds. */
  readonly at: number
  readonly version: string
  /** Seconds. */
  readonly uptime: number
}

/** However many workers there are, the page shows no more of each list. */
const longestList = 50

type UpstreamNow = AppLive['upstreams'][number]

const severity: readonly UpstreamNow['state'][] = ['closed', 'half_open', 'open']

/** Adds up the workers into what the live page is told. */
export function frameOf({ workers, metrics }: Look, moment: Moment): Frame {
  const figures = new Figures(metrics)
  const answered = workers.flatMap(({ live }) => live ?? [])
  const upstreams = answered.flatMap(({ app }) => app.upstreams)
  return {
    ...moment,
    inFlight: answered.reduce((sum, { load }) => sum + load.inFlight, 0),
    totals: figures.totals(),
    upstreams: [...Map.groupBy(upstreams, ({ name }) => name)].map(([name, states]) => ({
      ...upstreamOf(name, states),
      ...figures.upstream(name),
    })),
    workers: workers.map(workerOf),
    requests: oldest(answered.flatMap(({ app }) => app.requests)),
    failures: newest(answered.flatMap(({ app }) => app.failures)),
  }
}

/** Breakers tell one another, but each worker decides by its own: the worst is shown, and how many share it. */
function upstreamOf(
  name: string,
  states: readonly UpstreamNow[],
): Omit<UpstreamView, 'tries' | 'failures' | 'firstEvent'> {
  const worst = states.reduce((worst, { state }) => Math.max(worst, severity.indexOf(state)), 0)
  const state = severity[worst] ?? 'closed'
  return {
    name,
    state,
    agreeing: states.filter((each) => each.state === state).length,
    asked: states.length,
    resting: states.some(({ resting }) => resting),
    waitMs: Math.max(...states.map(({ waitMs }) => waitMs)),
    inFlight: states.reduce((sum, { inFlight }) => sum + inFlight, 0),
    priority: states[0]?.priority ?? 0,
    weight: states[0]?.weight ?? 0,
  }
}

function workerOf({ live, ...worker }: WorkerLook): WorkerView {
  return { ...worker, load: live?.load, busy: live?.busy }
}

function oldest(requests: readonly RequestView[]): RequestView[] {
  return requests.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, longestList)
}

function newest(failures: readonly FailureView[]): FailureView[] {
  return failures.toSorted((a, b) => b.at - a.at).slice(0, longestList)
}
