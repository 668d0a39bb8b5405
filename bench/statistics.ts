/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}

/** The figure below which this share of all lies, with straight lines between the figures; NaN of none. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((one, other) => one - other)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at % 1)
}

/** How far the figures lie apart: half their range, as a share of their median. A difference below it says nothing. */
export function spread(figures: readonly number[]): number {
  return (Math.max(...figures) - Math.min(...figures)) / 2 / median(figures)
}

export interface Line {
  /** Change of y for each unit of x. */
  readonly slope: number
  /** Standard error of the slope; the true one lies within two of them 19 times in 20. NaN of fewer than three points. */
  readonly error: number
  /** y where x is 0. */
  readonly start: number
}

export type Point = readonly [x: number, y: number]

/** The straight line through the points that has the least squares. */
export function regression(points: readonly Point[]): Line {
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const squares = sum(points.map(([x]) => (x - meanX) ** 2))
  const slope = sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / squares
  const start = meanY - slope * meanX
  const left = sum(points.map(([x, y]) => (y - start - slope * x) ** 2))
  const error = points.length > 2 ? Math.sqrt(left / (points.length - 2) / squares) : Number.NaN
  return { slope, error, start }
}

/**
 * Means of blocks of points that follow each other. Memory goes up and down over many seconds, so that samples taken
 * each second are far from independent, and the error of a line through them would come out much too small.
 */
export function inBlocks(points: readonly Point[], blocks: number): Point[] {
  const size = Math.max(1, Math.ceil(points.length / blocks))
  return Array.from({ length: Math.ceil(points.length / size) }, (_, at) => {
    const block = points.slice(at * size, (at + 1) * size)
    return [mean(block.map(([x]) => x)), mean(block.map(([, y]) => y))]
  })
}

/** Whether the slope is above the bound by more than chance explains. */
export function clearlyAbove({ slope, error }: Line, bound: number): boolean {
  return slope - 2 * error > bound
}

function mean(figures: readonly number[]): number {
  return sum(figures) / figures.length
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0)
}
