import type { PeakEwma } from './latency.ts'

/** How much an upstream has to do, and how much of the traffic it should have. */
export interface Loaded {
  readonly config: { readonly name: string; readonly weight: number }
  /** Requests under way there. */
  readonly inFlight: number
  /** Time to the first event. */
  readonly latency: Pick<PeakEwma, 'at'>
}

/** Candidates of weight 0 are seen only when all of them have it, and then they are equals. */
export function weightOf(candidate: Pick<Loaded, 'config'>): number {
  return candidate.config.weight || 1
}
