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

  /** `why` is the error, or words of our own. */
  failed(why: unknown): void {
    if (this.down) return
    this.down = true
    this.changed(true, reasonOf(why))
  }

  worked(): void {
    if (!this.down) return
    this.down = false
    for (const listener of this.returns) listener()
    this.changed(false, 'back')
  }
}

function reasonOf(why: unknown): string {
  if (!(why instanceof Error)) return typeof why === 'string' ? why : 'unknown'
  return 'code' in why && typeof why.code === 'string' ? why.code : why.name
}
