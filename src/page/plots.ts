import { type Chart, type ChartParts, createChart } from './charts.ts'
import { amount, duration, roundDuration, short, timeSteps } from './units.ts'
import type { Words } from './words.ts'

/** The charts of the page, in their order. `seconds` is how much they show. */
export function createPlots(host: HTMLElement, words: Words, seconds: number): readonly Chart[] {
  const common = { collecting: words.collecting, seconds }
  const rates = { ...common, format: amount, tick: short }
  const times = { ...common, format: duration, tick: roundDuration, steps: timeSteps }
  const parts: readonly ChartParts[] = [
    {
      ...rates,
      title: words.requestsChart,
      empty: words.noTraffic,
      curves: [{ title: words.requests, paint: 'accent', filled: true, value: ({ requests }) => requests }],
    },
    {
      ...rates,
      title: words.errorsChart,
      empty: words.noErrors,
      curves: [
        { title: words.refusedRequests, paint: 'warn', value: ({ refused }) => refused },
        { title: words.failedRequests, paint: 'bad', value: ({ failed }) => failed },
      ],
    },
    {
      ...times,
      title: words.latencyChart,
      empty: words.noTraffic,
      curves: [
        { title: words.p95, paint: 'second', dashed: true, value: ({ p95 }) => p95 },
        { title: words.median, paint: 'accent', value: ({ median }) => median },
      ],
    },
    {
      ...times,
      title: words.firstEventChart,
      empty: words.noFirstEvent,
      curves: [
        { title: words.p95, paint: 'second', dashed: true, value: ({ firstP95 }) => firstP95 },
        { title: words.median, paint: 'accent', value: ({ firstMedian }) => firstMedian },
      ],
    },
  ]
  const charts = parts.map(createChart)
  host.replaceChildren(...charts.map((chart) => chart.element))
  return charts
}
