import type { ServerResponse } from 'node:http'
import { noteCut } from '../cut.ts'
import { Roll } from '../roll.ts'

/** The requests that are being answered, wherever their server is. */
export class Requests {
  private readonly active = new Roll<ServerResponse>()
  private readonly waiting: (() => void)[] = []

  begin(res: ServerResponse): void {
    const place = this.active.enter(res)
    res.once('close', () => {
      this.active.leave(place)
      if (this.active.size === 0) for (const wake of this.waiting.splice(0)) wake()
    })
  }

  /** Resolves when none is left. */
  async over(): Promise<void> {
    if (this.active.size > 0) await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  /** Ends all of them at once. */
  cut(): void {
    for (const res of this.active.oldest()) {
      noteCut(res, 'draining')
      res.destroy()
    }
  }
}
