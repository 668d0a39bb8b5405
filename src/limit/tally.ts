/** Counts by name that never fall below zero and forget a name at zero, so that clients who left take no memory. */
export class Tally {
  private readonly counts = new Map<string, number>()

  count(name: string): number {
    return this.counts.get(name) ?? 0
  }

  add(name: string, by = 1): void {
    this.counts.set(name, this.count(name) + by)
  }

  /** Takes one away; false when there was none, which tells the caller that nothing was held. */
  drop(name: string): boolean {
    const count = this.count(name)
    if (count > 1) this.counts.set(name, count - 1)
    else this.counts.delete(name)
    return count > 0
  }

  entries(): [name: string, count: number][] {
    return [...this.counts]
  }
}
