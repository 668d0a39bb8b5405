import type { Clock } from '../../src/clock.ts'

interface Alarm {
  at: number
  done: () => void
}

/** A clock that stands still until the test moves it; alarms fire in order of their time. */
export class MovedClock implements Clock {
  private time = 0
  private readonly alarms = new Set<Alarm>()

  now(): number {
    return this.time
  }

  wall(): number {
    return 1_700_000_000_000 + this.time
  }

  after(ms: number, done: () => void): () => void {
    const alarm = { at: this.time + ms, done }
    this.alarms.add(alarm)
    return () => this.alarms.delete(alarm)
  }

  /** How many alarms are still set; a test that ends with some has leaked them. */
  get pending(): number {
    return this.alarms.size
  }

  /** Moves the time forward by `ms`, firing what falls due on the way. */
  move(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const next = [...this.alarms].filter((alarm) => alarm.at <= until).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      this.alarms.delete(next)
      this.time = next.at
      next.done()
    }
    this.time = until
  }
}
