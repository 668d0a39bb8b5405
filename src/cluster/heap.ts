import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../clock.ts'
import type { Logger } from '../telemetry/log.ts'

const checkMs = 5000
/** A heap that is too large once may only be waiting for its garbage to be collected. */
const checksBeforeTooLarge = 3
/** Once it has been said, it is said again only after so many more: who replaces a process may fail, and has to try again. */
const checksBetween = 12

export interface HeapWatch {
  readonly maxBytes: number
  readonly clock: Clock
  /** Bytes in use now. */
  used(): number
  /** Whether no request is under way. */
  idle(): boolean
  /** A full collection; undefined without `--expose-gc`. */
  readonly collect: (() => void) | undefined
  /** Called once a minute for as long as it stays so. */
  onTooLarge(used: number): void
}

/**
 * Watches the heap, and says when it stays above its bound: what leaks would otherwise end in V8 killing the process,
 * and all its requests with it. Returns what stops the watch.
 */
export function watchHeap({ maxBytes, clock, used, idle, collect, onTooLarge }: HeapWatch): () => void {
  if (maxBytes === 0) return () => {}
  let tooLarge = 0
  let cancel = clock.after(checkMs, check)
  function check() {
    // A collection stops the process for tens of milliseconds, so only while nobody waits, and only when it is due.
    if (used() > maxBytes * 0.8 && idle()) collect?.()
    tooLarge = used() > maxBytes ? tooLarge + 1 : 0
    cancel = clock.after(checkMs, check)
    if (tooLarge < checksBeforeTooLarge) return
    tooLarge -= checksBetween
    onTooLarge(used())
  }
  return () => cancel()
}

/**
 * Says so where the watch would come too late: V8 ends a process whose heap reaches a bound of its own, which is about
 * half of the memory of a container.
 */
export function warnOfV8(maxHeapMb: number, log: Logger): void {
  const v8Mb = Math.floor(getHeapStatistics().heap_size_limit / 1024 ** 2)
  if (maxHeapMb < v8Mb) return
  log.warn(
    { max_heap_mb: maxHeapMb, v8_heap_mb: v8Mb },
    'MAX_HEAP_MB has no effect: V8 would end this worker before; lower it, or give more memory',
  )
}
