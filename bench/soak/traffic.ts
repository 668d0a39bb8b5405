import { Pool } from 'undici'

/** What one request is about. */
interface Kind {
  readonly model: string
  readonly stream: boolean
  /** How often among all, relative to the others. */
  readonly weight: number
  /** Bytes of prompt. */
  readonly prompt: number
  /** The client leaves after this long. */
  readonly leavesAfterMs?: number
}

/** Mostly what goes well; faults rare enough for the breaker to stay closed. */
const kinds: readonly Kind[] = [
  { model: 'short', stream: false, weight: 40, prompt: 200 },
  { model: 'short', stream: true, weight: 20, prompt: 200 },
  { model: 'long', stream: false, weight: 10, prompt: 20_000 },
  { model: 'long', stream: true, weight: 8, prompt: 20_000 },
  { model: 'slow', stream: false, weight: 4, prompt: 2000 },
  { model: 'slow', stream: true, weight: 4, prompt: 2000 },
  { model: 'slow', stream: false, weight: 2, prompt: 2000, leavesAfterMs: 500 },
  { model: 'slow', stream: true, weight: 2, prompt: 2000, leavesAfterMs: 500 },
  { model: 'short', stream: false, weight: 1, prompt: 1_000_000 },
  { model: 'json', stream: false, weight: 3, prompt: 200 },
  { model: 'busy', stream: false, weight: 1, prompt: 200 },
  { model: 'broken', stream: false, weight: 1, prompt: 200 },
  { model: 'wrong', stream: true, weight: 1, prompt: 200 },
  { model: 'cut', stream: false, weight: 1, prompt: 200 },
  { model: 'cut', stream: true, weight: 1, prompt: 200 },
  { model: 'error-inside', stream: false, weight: 1, prompt: 200 },
]

/** Every kind as often as its weight, mixed by a step that no weight divides. */
const cycle = mixed(kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind)))

/**
 * What came of the requests: their number by status, `left` for clients that left, `cut` for answers that broke, `unsent`
 * for those that would have been too many at once.
 */
export type Outcomes = Record<string, number>

/**
 * A process keeps the memory that it needed for the most requests that it ever had at once. Without a bound that number
 * would grow with each hiccup of the machine, and a soak would find a leak where there is none; with one that is reached
 * again and again, the process has its size from the first minute.
 */
const mostAtOnce = 150
const burstEveryMs = 10_000

/** Sends requests at a fixed rate, and now and then as many as there may be at once, until stopped. */
export class Traffic {
  readonly outcomes: Outcomes = {}
  private readonly pool: Pool
  private readonly bodies = new Map<Kind, string>()
  private readonly running = new Set<Promise<void>>()
  private readonly path: string
  private readonly ticking: NodeJS.Timeout
  private readonly bursting: NodeJS.Timeout
  private taken = 0

  constructor(url: string, perSecond: number) {
    const { origin, pathname } = new URL(url)
    this.path = pathname
    // A burst's connections would stay as long as the proxy offers, and look like files that it never closes.
    this.pool = new Pool(origin, { connections: null, keepAliveMaxTimeout: 4000 })
    const start = performance.now()
    let due = 0
    this.ticking = setInterval(() => {
      for (; due < ((performance.now() - start) / 1000) * perSecond; due++) this.next()
    }, 5)
    this.bursting = setInterval(() => {
      while (this.running.size < mostAtOnce) this.next()
    }, burstEveryMs)
  }

  /** Fulfilled when all that was sent has ended. */
  async stop(): Promise<void> {
    clearInterval(this.ticking)
    clearInterval(this.bursting)
    await Promise.all(this.running)
    await this.pool.close()
  }

  private next(): void {
    const kind = cycle[this.taken++ % cycle.length] as Kind
    if (this.running.size >= mostAtOnce) {
      this.count('unsent')
      return
    }
    const one = this.outcomeOf(this.path, kind).then((outcome) => {
      this.count(outcome)
      this.running.delete(one)
    })
    this.running.add(one)
  }

  private count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1
  }

  private async outcomeOf(path: string, kind: Kind): Promise<string> {
    const { leavesAfterMs } = kind
    const leaving = leavesAfterMs === undefined ? null : AbortSignal.timeout(leavesAfterMs)
    try {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-benchmark' }
      const body = this.bodyOf(kind)
      const answer = await this.pool.request({ method: 'POST', path, headers, body, signal: leaving })
      await answer.body.dump({ limit: Number.MAX_SAFE_INTEGER })
      return String(answer.statusCode)
    } catch (error) {
      if (leaving?.aborted) return 'left'
      if (error instanceof Error) return 'cut'
      throw error
    }
  }

  private bodyOf(kind: Kind): string {
    const { model, stream, prompt } = kind
    const body =
      this.bodies.get(kind) ??
      JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'x'.repeat(prompt) }] })
    this.bodies.set(kind, body)
    return body
  }
}

function mixed<T>(all: readonly T[]): T[] {
  const step = 37
  return all.map((_, at) => all[(at * step) % all.length] as T)
}
