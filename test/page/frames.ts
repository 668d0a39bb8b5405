import type { Frame, Histogram, Totals } from '../../src/page/frame.ts'

/** A histogram with the bounds 0.1, 1 and 10 seconds, from how many observations fell into each bucket. */
export function histogram(...inside: readonly number[]): Histogram {
  let sum = 0
  const counts = [0, 1, 2, 3].map((index) => (sum += inside[index] ?? 0))
  return { bounds: [0.1, 1, 10], counts }
}

const nothing: Totals = {
  ok: 0,
  refused: 0,
  failed: 0,
  left: 0,
  duration: histogram(),
  firstEvent: histogram(),
  overhead: histogram(),
  inputTokens: 0,
  outputTokens: 0,
  retries: 0,
}

/** A frame at this second, of a program that has run for as long. */
export function frameAt(second: number, totals: Partial<Totals> = {}, rest: Partial<Frame> = {}): Frame {
  return {
    at: 1_700_000_000_000 + second * 1000,
    version: '1.0.0',
    uptime: second,
    inFlight: 0,
    totals: { ...nothing, ...totals },
    upstreams: [],
    workers: [],
    requests: [],
    failures: [],
    ...rest,
  }
}
