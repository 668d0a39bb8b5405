import type { Frame, RequestView } from './frame.ts'
import { createTable } from './table.ts'
import { amount, bytes, duration, grouped, none } from './units.ts'
import type { Words } from './words.ts'

interface Row extends RequestView {
  /** Since the frame before; undefined for a request that was not in it. */
  readonly eventsPerSecond: number | undefined
}

/** The requests under way, oldest first; the function that is returned brings the table up to date. */
export function createRequests(section: HTMLElement, words: Words) {
  const show = createTable<Row>({
    section,
    title: words.underWay,
    empty: words.noRequests,
    key: ({ id }) => id,
    columns: [
      { title: words.model, kinds: ['name'], text: ({ model }) => model ?? none, hint: ({ model }) => model ?? '' },
      { title: words.route, kinds: ['bare'], text: ({ route, mode }) => `${route} · ${mode}` },
      {
        title: words.upstream,
        kinds: ['name'],
        text: (row) => upstreamText(row, words),
        hint: (row) => upstreamText(row, words),
      },
      { title: words.age, kinds: ['number'], text: ({ ageMs }) => duration(ageMs / 1000) },
      { title: words.firstEvent, kinds: ['number'], text: ({ firstEventMs }) => duration(seconds(firstEventMs)) },
      { title: words.events, kinds: ['number'], text: ({ events }) => grouped(events) },
      { title: words.eventsPerSecond, kinds: ['number'], text: (row) => amount(row.eventsPerSecond) },
      { title: words.received, kinds: ['number'], text: (row) => bytes(row.bytes) },
      { title: words.requestId, kinds: ['id', 'name'], text: ({ id }) => id, hint: ({ id }) => id },
    ],
  })
  let before: Frame | undefined
  return (frame: Frame): void => {
    const { requests, inFlight } = frame
    const rows = requests.map((request) => ({ ...request, eventsPerSecond: flow(request, before, frame) }))
    show(rows, rows.length < inFlight ? `${rows.length} ${words.ofRequests} ${grouped(inFlight)}` : `${inFlight}`)
    before = frame
  }
}

function flow({ id, events }: RequestView, before: Frame | undefined, { at }: Frame): number | undefined {
  const earlier = before?.requests.find((request) => request.id === id)
  if (before === undefined || earlier === undefined || at <= before.at) return undefined
  // Another try begins anew.
  return Math.max(0, ((events - earlier.events) * 1000) / (at - before.at))
}

function upstreamText({ upstream, attempts }: RequestView, words: Words): string {
  if (upstream === undefined) return none
  return attempts > 1 ? `${upstream} · ${words.attempt} ${attempts}` : upstream
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000
}
