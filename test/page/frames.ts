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

/** A bad day: every upstream is left alone, by some of the workers, and everything has the longest of its values. */
export function frameOfOutage(): Frame {
  const name = 'an-upstream-with-as-long-a-name-as-the-settings-let-it-have-1234'
  const upstream = { name, agreeing: 11, asked: 12, waitMs: 159_000, inFlight: 2400, priority: 10, weight: 100 }
  const counted = { tries: 1_000_000, failures: 1_000_000, firstEvent: histogram(0, 1, 1) }
  const request = { route: '/v1/chat/completions', model: 'a-model-with-a-long-name'.repeat(5), upstream: name }
  const id = '0123456789abcdef0123456789abcdef'
  const load = { requests: 1_234_567, errors: 12_345, inFlight: 2000, rss: 1.5e9, heapUsed: 1e9 }
  return frameAt(
    1_000_000,
    {},
    {
      inFlight: 12_000,
      upstreams: [
        { ...upstream, ...counted, state: 'open', resting: false },
        { ...upstream, ...counted, name: 'b', state: 'half_open', resting: true },
      ],
      workers: [{ worker: '12', pid: 4_194_303, state: 'listening', uptime: 86_400 + 23 * 3600, load, busy: 0.99 }],
      requests: [
        {
          ...request,
          id,
          mode: 'unstream',
          attempts: 3,
          ageMs: 599_000,
          firstEventMs: 119_000,
          events: 98_765,
          bytes: 9e7,
        },
      ],
      failures: [{ ...request, id, trace: id, at: 0, status: 504, code: 'client_closed_request', durationMs: 599_000 }],
    },
  )
}
