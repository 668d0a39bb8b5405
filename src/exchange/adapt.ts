import type { Failure } from '../upstream/classify.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** What the proxy leaves out of one request from now on, because an upstream may have refused just that. */
export class Adaptation {
  private readonly mayBeOnePiece: boolean
  private withoutUsage: Upstream | undefined
  private inOnePiece: Upstream | undefined

  /** @param mayBeOnePiece the stream is the proxy's wish, not the client's */
  constructor(mayBeOnePiece: boolean) {
    this.mayBeOnePiece = mayBeOnePiece
  }

  streams(upstream: Upstream): boolean {
    return upstream !== this.inOnePiece
  }

  counts(upstream: Upstream): boolean {
    return this.streams(upstream) && !upstream.refusesUsageOption && upstream !== this.withoutUsage
  }

  /** Whether the next call to the upstream will lack something, and so may fare better. */
  learn(upstream: Upstream, failure: Failure, addedUsage: boolean): boolean {
    if (addedUsage && refusesUsage(failure)) this.withoutUsage = upstream
    else if (this.mayBeOnePiece && this.streams(upstream) && refusesStream(failure)) this.inOnePiece = upstream
    else return false
    return true
  }

  /** That call was answered. A stream is wished for anew by each request: it may be for another model, or another's key. */
  keep(upstream: Upstream): void {
    if (this.streams(upstream)) upstream.refusesUsageOption = true
  }
}

/** Whether it may be `stream_options` that the upstream refuses; only an answer without them shows that it was. */
function refusesUsage({ outcome, error, refusal }: Failure): boolean {
  if (outcome !== 'client_error' || !isAboutRequest(error.status)) return false
  // vLLM and SGLang refuse within a stream of status 200: then only the error tells why.
  return /stream_options|include_usage/.test(refusal ?? JSON.stringify(error))
}

/**
 * Whether it may be the stream that the upstream refuses. OpenAI does so for some models where the organization is not
 * verified (`param` is `stream`), and for audio in most formats; all of it is answered in one piece.
 */
function refusesStream({ outcome, error }: Failure): boolean {
  const said = error.details.upstream
  if (outcome !== 'client_error' || !isAboutRequest(error.status) || !said) return false
  return said.param === 'stream' || (/\bstream(ed|ing)?\b/i.test(said.message) && refusing.test(said.message))
}

const refusing = /\bnot\b|cannot|can't|unsupported|verified|disabled/i

function isAboutRequest(status: number): boolean {
  return status === 400 || status === 422
}
