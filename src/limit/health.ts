/** Whether the shared store can be used. Says each change once, however many requests notice it. */
export class StoreHealth {
  private readonly changed: (down: boolean, reason: string) => void
  private readonly returns: (() => void)[] = []
  private down = false

  /** `changed` gets a code or class name as the reason: an error's message may hold an internal address. */
  constructor(changed: (down: boolean, reason: string) => void) {
    this.changed = changed
  }

  get isDown(): boolean {
    return this.down
  }

  /** Calls `listener` each time that the store has come back. */
  onReturn(listener: () => void): void {
    this.returns.push(listener)
  }

  failed(error: unknown): void {
    if (this.down) return
    this.down = true
    this.changed(true, reasonOf(error))
  }

  worked(): void {
    if (!this.down) return
    this.down = false
    for (const listener of this.returns) listener()
    this.changed(false, 'back')
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
