import { type ProxyError, toProxyError } from '../errors.ts'
import { type Coding, type InflateSink, Stage } from './stage.ts'

/** Decompresses one body, giving out at once whatever each chunk yields. */
export interface Inflater {
  /** Returns false when no more should be pushed before `sink.drain`. */
  push(chunk: Buffer): boolean
  /** Gives out nothing until `resume`, but for what is ready: whoever reads is slow. Then `push` soon returns false. */
  pause(): void
  resume(): void
  /** The body has ended. Calls `sink.end` before it returns if the body was empty, else later. */
  end(): void
  /** Frees the native handles; the sink is not called any more. */
  destroy(): void
}

/**
 * Undoes codings, listed as they were applied: the bytes go through the last one's stage first, and out of the first
 * one's to the sink. A stage that has enough to do makes the one that feeds it wait, so that a small body which grows
 * in each of them is never held as a whole.
 */
export function chain(applied: readonly Coding[], sink: InflateSink): Inflater {
  const stages: Stage[] = []
  const destroy = () => {
    for (const stage of stages) stage.destroy()
  }
  const last = guarded(sink, destroy)
  for (const [at, coding] of applied.entries()) stages.push(new Stage(coding, outlet(stages, at, last)))
  const first = stages.at(-1) as Stage
  const innermost = stages[0] as Stage
  return {
    push: (chunk) => first.push(chunk),
    pause: () => innermost.pause(),
    resume: () => innermost.resume(),
    end: () => first.end(),
    destroy,
  }
}

/** Where the stage at this place gives its bytes. */
function outlet(stages: readonly Stage[], at: number, last: InflateSink): InflateSink {
  const next = stages[at - 1]
  return {
    data(chunk) {
      if (!next) last.data(chunk)
      else if (!next.push(chunk)) stages[at]?.pause()
    },
    end: () => (next ? next.end() : last.end()),
    fail: last.fail,
    drain() {
      const feeder = stages[at + 1]
      if (feeder) feeder.resume()
      else last.drain()
    },
  }
}

/** The sink, with all handles freed before its last call, and with what it throws given back to it. */
function guarded(sink: InflateSink, destroy: () => void): InflateSink {
  const fail = (error: ProxyError) => {
    destroy()
    sink.fail(error)
  }
  const attempt = (work: () => void) => {
    try {
      work()
    } catch (thrown) {
      fail(toProxyError(thrown))
    }
  }
  return {
    data: (chunk) => attempt(() => sink.data(chunk)),
    end() {
      destroy()
      attempt(() => sink.end())
    },
    fail,
    drain: () => sink.drain(),
  }
}
