import type { Point } from './history.ts'
import type { Rates } from './rates.ts'
import { element, write } from './table.ts'
import { clockTime } from './units.ts'
import uPlot from './uplot.js'

export interface Curve {
  readonly title: string
  /** A class of page.css that sets its colour. */
  readonly paint: 'accent' | 'second' | 'warn' | 'bad'
  readonly dashed?: boolean
  readonly filled?: boolean
  value(rates: Rates): number | undefined
}

export interface ChartParts {
  readonly title: string
  readonly curves: readonly Curve[]
  /** What stands there while every value is nothing. */
  readonly empty: string
  /** What stands there until there is something to compare. */
  readonly collecting: string
  readonly format: (value: number | undefined) => string
  /** For the round numbers at the axis. */
  readonly tick: (value: number) => string
  /** How far apart these may be, where not decimally. */
  readonly steps?: readonly number[]
  /** How much is shown. Seconds. */
  readonly seconds: number
}

export interface Chart {
  readonly element: HTMLElement
  show(points: readonly Point[]): void
  /** Takes the colours anew. */
  repaint(): void
}

const height = 168

/** One chart with its key, which shows the newest values, or those under the pointer of any of the charts. */
export function createChart(parts: ChartParts): Chart {
  const { title, curves, format } = parts
  const frame = element('div', '', 'chart')
  const header = document.createElement('header')
  const plot = element('div', '', 'plot quiet')
  const note = element('p', '', 'empty')
  const keys = curves.map(keyOf)
  header.append(element('h2', title), element('span', '', 'gap'), ...keys.map(({ key }) => key))
  frame.append(header, plot, note)
  let drawn: uPlot | undefined

  function read({ data, cursor }: uPlot): void {
    const index = cursor.idx ?? data[0].length - 1
    for (const [curve, { figure }] of keys.entries()) write(figure, format(data[curve + 1]?.[index] ?? undefined))
  }

  return {
    element: frame,
    show(points) {
      const data = dataOf(points, curves)
      const silent = data.slice(1).every((values) => !values.some(Boolean))
      write(note, points.length < 2 ? parts.collecting : silent ? parts.empty : '')
      if (drawn) drawn.setData(data)
      else {
        drawn = new uPlot(optionsOf(parts, frame, plot, keys, read), data, plot)
        const fit = () => drawn?.setSize({ width: plot.clientWidth, height })
        new ResizeObserver(fit).observe(plot)
      }
      read(drawn)
    },
    repaint: () => drawn?.redraw(),
  }
}

interface Key {
  readonly key: HTMLElement
  readonly line: HTMLElement
  readonly figure: HTMLElement
}

function keyOf({ title, paint, dashed }: Curve): Key {
  const key = element('span', '', 'key quiet')
  const line = element('i', '', `${paint}${dashed ? ' dashed' : ''}`)
  const figure = element('b', '')
  key.append(line, element('span', title), figure)
  return { key, line, figure }
}

function dataOf(points: readonly Point[], curves: readonly Curve[]): uPlot.AlignedData {
  const values = curves.map(({ value }) => points.map(({ rates }) => (rates && value(rates)) ?? null))
  return [points.map(({ at }) => at), ...values]
}

function optionsOf(
  { curves, tick, steps, seconds }: ChartParts,
  frame: HTMLElement,
  plot: HTMLElement,
  keys: readonly Key[],
  read: (chart: uPlot) => void,
): uPlot.Options {
  // Asked at each drawing: the theme may have changed, and a canvas knows nothing of style sheets.
  const ink = () => getComputedStyle(plot).color
  const grid = { stroke: () => getComputedStyle(frame).borderTopColor, width: 1 }
  const axis = { stroke: ink, grid, ticks: { show: false }, font: '11px system-ui, sans-serif' }
  return {
    width: plot.clientWidth,
    height,
    padding: [10, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: 'page' } },
    hooks: { setCursor: [read] },
    scales: {
      x: { range: ({ data: [times] }) => span(times, seconds) },
      y: { range: (_chart, _least, most) => [0, most > 0 ? most * 1.15 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        incrs: [10, 30, 60],
        values: (_chart, times) => times.map(timeAt),
      },
      {
        ...axis,
        size: 60,
        space: 28,
        values: (_chart, values) => values.map(tick),
        ...(steps && { incrs: [...steps] }),
      },
    ],
    series: [{}, ...curves.map((curve, index) => seriesOf(curve, keys[index]?.line ?? plot))],
  }
}

function seriesOf({ dashed, filled }: Curve, line: HTMLElement): uPlot.Series {
  const stroke = () => getComputedStyle(line).color
  return {
    stroke,
    width: 1.5,
    points: { show: false },
    ...(dashed ? { dash: [5, 4] } : {}),
    ...(filled ? { fill: () => stroke().replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)') } : {}),
  }
}

/** Seconds only where they are needed. */
function timeAt(at: number): string {
  return clockTime(at * 1000).replace(/:00$/, '')
}

/** A page that was opened just now begins with a minute, and not with a chart that is empty but for its edge. */
function span(times: uPlot.AlignedData[0], seconds: number): [number, number] {
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0]
  return [Math.max(first, last - seconds), Math.max(last, first + 60)]
}
