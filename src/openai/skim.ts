import type { Skim, Stretch } from '../sse/parse.ts'
import type { Quick } from './quick.ts'
import type { Run } from './run.ts'
import type { Varying } from './varying.ts'

/** Takes the events that fit the template which another reader of the same stream has learned. */
export class QuickSkim implements Skim {
  taken = 0
  private readonly quick: Quick
  private readonly isOver: () => boolean
  private readonly say: ((varying: Varying) => void) | undefined

  /**
   * @param isOver whether the stream has ended, so that all that follows is noise
   * @param say told what the events of one stretch say together; without it their texts are not even read
   */
  constructor(quick: Quick, isOver: () => boolean, say?: (varying: Varying) => void) {
    this.quick = quick
    this.isOver = isOver
    this.say = say
  }

  take(stretch: Stretch): number {
    this.taken = 0
    const run = this.isOver() ? undefined : this.quick.runWith(stretch.field)
    if (!run) return -1
    const end = run.read(stretch, this.say !== undefined)
    this.taken = run.taken
    if (run.taken > 0) this.tell(run)
    return end
  }

  private tell(run: Run): void {
    const varying = this.quick.vary(run.text)
    if (!varying) return
    try {
      this.say?.(varying)
    } finally {
      // What is kept of a stream's events for the next stream must not hold a piece of somebody's answer.
      varying.holder[varying.key] = ''
      run.text = ''
    }
  }
}
