import type { Frame } from './frame.ts'
import { type Rates, ratesBetween } from './rates.ts'

/** A point of the charts; without rates where nothing is known, so that a line breaks off there. */
export interface Point {
  /** Epoch seconds, as uPlot takes them. */
  readonly at: number
  readonly rates: Rates | undefined
}

export interface HistorySpans {
  /** How much is kept for the charts. Milliseconds, as the others. */
  readonly keptMs: number
  /** Each point tells of this long, or requests that take their time would make a comb of every line. */
  readonly smoothMs: number
  /** What the figures above the charts tell of. */
  readonly recentMs: number
}

/** Frames further apart than this have a hole between them. Milliseconds. */
const holeMs = 6000

/** The time of the start that follows from two frames of one run differs by this at most: uptimes are whole seconds. Milliseconds. */
const startJitterMs = 2000

/** The last minutes of what the page was told, and what follows from it. */
export class History {
  private readonly spans: HistorySpans
  private frames: Frame[] = []
  private kept: Point[] = []

  constructor(spans: HistorySpans) {
    this.spans = spans
  }

  get points(): readonly Point[] {
    return this.kept
  }

  get latest(): Frame | undefined {
    return this.frames.at(-1)
  }

  add(frame: Frame): void {
    const before = this.latest
    // Started anew: its totals begin again, and would make every rate negative.
    if (before !== undefined && isAnother(before, frame)) this.frames = []
    // A clock that was put back, or another machine's: a line can only go forwards.
    if (before !== undefined && frame.at < before.at) this.kept = []
    if (before !== undefined && frame.at - before.at > holeMs) this.point(before.at + 1000, undefined)
    this.frames.push(frame)
    const then = this.before(this.spans.smoothMs)
    this.point(frame.at, then && ratesBetween(then, frame))
    const { keptMs, recentMs } = this.spans
    this.kept = this.kept.filter(({ at }) => at * 1000 >= frame.at - keptMs)
    this.frames = this.frames.filter(({ at }) => at >= frame.at - recentMs)
  }

  /** The frame to compare the latest one with for the figures above the charts; undefined until there are two. */
  recent(): Frame | undefined {
    return this.before(this.spans.recentMs)
  }

  /** The oldest frame that is no older than `ms` before the latest, and not the latest itself. */
  private before(ms: number): Frame | undefined {
    const { latest } = this
    return this.frames.find((frame) => frame !== latest && latest !== undefined && frame.at >= latest.at - ms)
  }

  private point(at: number, rates: Rates | undefined): void {
    this.kept.push({ at: at / 1000, rates })
  }
}

/** Whether a frame is of another run of the program than the one before it, or of a clock that was set. */
function isAnother(before: Frame, { at, uptime }: Frame): boolean {
  const startedAt = at - uptime * 1000
  return uptime < before.uptime || at <= before.at || startedAt - (before.at - before.uptime * 1000) > startJitterMs
}
