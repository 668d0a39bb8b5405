import type { Seen } from './clients.ts'

/** How long a look at the distribution is. Long enough for a few hundred answers, so that chance cannot unbalance it. */
export const WINDOW_MS = 1500

/** No upstream may have more or less than its share by more than this part of it. */
const EVEN = 0.35

/** What was seen during one phase. */
export class Tally {
  private seen: Seen[] = []
  private recent: { at: number; upstream: string }[] = []

  add(one: Seen): void {
    this.seen.push(one)
    this.recent.push({ at: performance.now(), upstream: one.upstream })
  }

  /** Hands over what was seen, and begins anew. */
  take(): Seen[] {
    const { seen } = this
    this.seen = []
    return seen
  }

  /** Whether the upstreams have had equal shares of late. */
  isEven(upstreams: readonly string[]): boolean {
    const from = performance.now() - WINDOW_MS
    this.recent = this.recent.filter(({ at }) => at >= from)
    const fair = this.recent.length / upstreams.length
    return upstreams.every((name) => {
      const share = this.recent.filter(({ upstream }) => upstream === name).length
      return Math.abs(share - fair) <= EVEN * fair
    })
  }
}

export interface Figures {
  readonly requests: number
  /** Share of the un-streamed requests that were answered whole, and right. */
  readonly success: number
  readonly streams: number
  /** Streams that broke off and said so, and those that did not. */
  readonly toldBroken: number
  readonly silentlyBroken: number
  readonly attempts: number
  readonly p50: number
  readonly p99: number
  readonly statuses: string
}

export function figuresOf(seen: readonly Seen[]): Figures {
  const plain = seen.filter(({ streamed }) => !streamed)
  const streams = seen.filter(({ streamed }) => streamed)
  const times = plain.map(({ ms }) => ms).sort((one, other) => one - other)
  const at = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0)
  return {
    requests: seen.length,
    success: plain.filter(({ ok }) => ok).length / plain.length,
    streams: streams.length,
    toldBroken: streams.filter(({ ok, told }) => !ok && told).length,
    silentlyBroken: streams.filter(({ ok, told }) => !ok && !told).length,
    attempts: seen.reduce((sum, { attempts }) => sum + attempts, 0) / seen.length,
    p50: at(0.5),
    p99: at(0.99),
    statuses: countOf(plain.filter(({ ok }) => !ok).map(({ status }) => String(status))),
  }
}

function countOf(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ')
}
