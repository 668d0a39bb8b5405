import type { WorkerView } from './frame.ts'
import { createTable, type Tone } from './table.ts'
import { bytes, grouped, none, percent, span } from './units.ts'
import type { Words } from './words.ts'

type State = 'listening' | 'starting' | 'draining' | 'gone'

const tones: Readonly<Record<State, Tone>> = { listening: 'good', starting: 'warn', draining: 'warn', gone: 'bad' }

/** The worker processes; the function that is returned brings the table up to date. */
export function createWorkers(section: HTMLElement, words: Words) {
  return createTable<WorkerView>({
    section,
    title: words.workers,
    empty: words.noWorkers,
    // A worker that is being replaced is there twice, under one number.
    key: ({ worker, pid }) => `${worker} ${pid}`,
    columns: [
      { title: words.worker, text: ({ worker }) => worker },
      {
        title: words.status,
        kinds: ['pill', 'bare'],
        text: ({ state }) => (isState(state) ? words[state] : state),
        tone: ({ state }) => (isState(state) ? tones[state] : undefined),
      },
      { title: words.running, kinds: ['number'], text: ({ uptime }) => span(uptime) },
      { title: words.process, kinds: ['number'], text: ({ pid }) => String(pid) },
      { title: words.busy, kinds: ['number'], text: ({ busy }) => percent(busy) },
      { title: words.inFlight, kinds: ['number'], text: ({ load }) => (load ? grouped(load.inFlight) : none) },
      { title: words.requests, kinds: ['number'], text: ({ load }) => (load ? grouped(load.requests) : none) },
      { title: words.errors, kinds: ['number'], text: ({ load }) => (load ? grouped(load.errors) : none) },
      {
        title: words.memory,
        kinds: ['number'],
        text: ({ load }) => (load ? bytes(load.rss) : none),
        hint: ({ load }) => (load ? `${words.heap} ${bytes(load.heapUsed)}` : ''),
      },
    ],
  })
}

function isState(state: string): state is State {
  return state in tones
}
