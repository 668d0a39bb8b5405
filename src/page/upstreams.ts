import type { UpstreamView } from './frame.ts'
import type { UpstreamRates } from './rates.ts'
import { createTable, type Tone } from './table.ts'
import { amount, duration, grouped, percent, span } from './units.ts'
import type { Words } from './words.ts'

export interface UpstreamRow extends UpstreamView {
  /** Of the last minute. */
  readonly rates: UpstreamRates | undefined
}

const tones: Readonly<Record<UpstreamView['state'], Tone>> = { closed: 'good', half_open: 'warn', open: 'bad' }

/** The upstreams with their breakers; the function that is returned brings the table up to date. */
export function createUpstreams(section: HTMLElement, words: Words) {
  return createTable<UpstreamRow>({
    section,
    title: words.upstreams,
    empty: words.noUpstreams,
    key: ({ name }) => name,
    columns: [
      { title: words.name, kinds: ['name'], text: ({ name }) => name, hint: (row) => hintOf(row, words) },
      { title: words.state, kinds: ['pill', 'bare'], text: (row) => breakerText(row, words), tone: toneOf },
      { title: words.inFlight, kinds: ['number'], text: ({ inFlight }) => grouped(inFlight) },
      { title: words.tries, kinds: ['number'], text: ({ rates }) => amount(rates?.tries) },
      {
        title: words.failedShare,
        kinds: ['number'],
        text: ({ rates }) => percent(rates?.failedShare),
        tone: ({ rates }) => (rates?.failedShare ? 'bad' : undefined),
      },
      { title: words.firstEvent, kinds: ['number'], text: ({ rates }) => duration(rates?.firstMedian) },
    ],
  })
}

function toneOf({ state, resting }: UpstreamView): Tone {
  return state === 'closed' && resting ? 'warn' : tones[state]
}

function hintOf({ name, priority, weight }: UpstreamView, words: Words): string {
  return `${name} (${words.priority} ${priority} · ${weight})`
}

/** Such as `open 1/2 workers · again in 8 s`. */
function breakerText({ state, resting, agreeing, asked, waitMs }: UpstreamView, words: Words): string {
  const shared = state !== 'closed' && agreeing < asked ? ` ${agreeing}/${asked} ${words.ofWorkers}` : ''
  const word = state === 'closed' && resting ? words.resting : words[state]
  const wait = waitMs > 0 ? ` · ${words.wait} ${span(Math.ceil(waitMs / 1000))}` : ''
  return word + shared + wait
}
