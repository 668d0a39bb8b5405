/** The upstreams that one request has asked already. */
export class Tried<T> {
  private readonly asked = new Set<T>()
  /** Only hedged requests need it. */
  private late: Set<T> | undefined

  has(upstream: T): boolean {
    return this.asked.has(upstream)
  }

  add(upstream: T): void {
    this.asked.add(upstream)
  }

  /** It was left because another had begun sooner, and has not failed. */
  lost(upstream: T): void {
    this.late ??= new Set()
    this.late.add(upstream)
  }

  /** Those that have not failed count as not asked again; false when there is none of them. */
  forgive(): boolean {
    const { late } = this
    this.late = undefined
    for (const upstream of late ?? []) this.asked.delete(upstream)
    return late !== undefined
  }
}
