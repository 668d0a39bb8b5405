import type { Frame } from './frame.ts'
import type { Rates } from './rates.ts'
import { element, write } from './table.ts'
import { amount, duration, grouped, percent } from './units.ts'
import type { Words } from './words.ts'

/** One figure with the line under it. */
interface Tile {
  readonly title: string
  readonly unit?: string
  figure(frame: Frame, rates: Rates | undefined): string
  aside(frame: Frame, rates: Rates | undefined): string
}

/** The row of figures; the function that is returned brings it up to date. `rates` tell of the last minute. */
export function createTiles(host: HTMLElement, words: Words) {
  const tiles = tilesOf(words).map((tile) => ({ tile, ...place(host, tile) }))
  return (frame: Frame, rates: Rates | undefined): void => {
    for (const { tile, figure, aside } of tiles) {
      write(figure, tile.figure(frame, rates))
      write(aside, tile.aside(frame, rates))
    }
  }
}

function place(host: HTMLElement, { title, unit }: Tile) {
  const box = document.createElement('div')
  const line = element('dd', '', 'figure')
  const figure = document.createElement('span')
  const aside = element('dd', '', 'quiet')
  line.append(figure)
  if (unit !== undefined) line.append(element('span', ` ${unit}`, 'unit'))
  box.append(element('dt', title), line, aside)
  host.append(box)
  return { figure, aside }
}

function tilesOf(words: Words): readonly Tile[] {
  const since = (count: number) => `${grouped(count)} ${words.since}`
  return [
    {
      title: words.requestsPerSecond,
      unit: words.perSecond,
      figure: (_frame, rates) => amount(rates?.requests),
      aside: ({ totals }) => since(totals.ok + totals.refused + totals.failed + totals.left),
    },
    {
      title: words.failedShare,
      figure: (_frame, rates) => percent(rates?.failedShare),
      aside: ({ totals }) => since(totals.failed),
    },
    {
      title: `${words.latency} ${words.median}`,
      figure: (_frame, rates) => duration(rates?.median),
      aside: (_frame, rates) => `${words.p95} ${duration(rates?.p95)}`,
    },
    {
      title: `${words.firstEvent} ${words.median}`,
      figure: (_frame, rates) => duration(rates?.firstMedian),
      aside: (_frame, rates) => `${words.p95} ${duration(rates?.firstP95)}`,
    },
    {
      title: words.overhead,
      figure: (_frame, rates) => duration(rates?.overheadMedian),
      aside: (_frame, rates) => `${words.p99} ${duration(rates?.overheadP99)}`,
    },
    {
      title: words.inFlight,
      figure: ({ inFlight }) => grouped(inFlight),
      aside: ({ totals }) => `${grouped(totals.retries)} ${words.retries}`,
    },
    {
      title: words.tokens,
      unit: words.perSecond,
      figure: (_frame, rates) => amount(rates?.outputTokens),
      aside: (_frame, rates) => `${words.tokensIn} ${amount(rates?.inputTokens)} ${words.perSecond}`,
    },
  ]
}
