const ROUNDS = 15
const ROUND_NS = 20e6

/** Some work, and what it works on; the result is how much it made, so that nothing can be optimised away. */
export type Work<T> = (input: T) => number | Promise<number>

export type Works<T> = Readonly<Record<string, readonly [work: Work<T>, input: T]>>

let made = 0

/** All that was made so far; printed at the end, or the optimiser might leave out what nobody looks at. */
export function madeInAll(): number {
  return made
}

/** The CPU time of this thread so far, in nanoseconds: other processes disturb it least. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) * 1000
}

/** Nanoseconds that the work takes once: the mean of a round. */
async function timeOnce<T>(work: Work<T>, input: T): Promise<number> {
  let times = 0
  const start = cpuTime()
  let now = start
  // Several for each look at the clock, which itself takes a microsecond.
  for (; now - start < ROUND_NS; now = cpuTime()) {
    for (let at = 0; at < 10; at++, times++) {
      const size = work(input)
      made += typeof size === 'number' ? size : await size
    }
  }
  return (now - start) / times
}

/** The best of several rounds, which take turns, so that a busy machine slows all alike and only some of the rounds. */
export async function compare<T>(works: Works<T>, parts = 1): Promise<Record<string, number>> {
  const best: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, [work, input]] of Object.entries(works)) {
      best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, (await timeOnce(work, input)) / parts)
    }
  }
  return Object.fromEntries(Object.entries(best).map(([name, time]) => [`${name}, ns`, Number(time.toFixed(1))]))
}
