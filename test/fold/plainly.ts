import { ProxyError } from '../../src/errors.ts'
import { type Draft, newDraft } from '../../src/fold/draft.ts'
import { finishChat, finishCompletion, isFinished } from '../../src/fold/finish.ts'
import { mergeChunk } from '../../src/fold/merge.ts'
import type { JsonObject } from '../../src/fold/record.ts'
import { isDone } from '../../src/openai/api.ts'
import { parseEvent } from '../../src/openai/chunks.ts'
import { findTrouble } from '../../src/openai/foreign.ts'
import { isHeartbeat } from '../../src/openai/heartbeat.ts'
import { CAP } from './folding.ts'

/** An event's data and its name. */
export type Told = readonly [data: string, name: string]

const answers = { chat: finishChat, completions: finishCompletion } satisfies Record<
  string,
  (draft: Draft) => JsonObject
>

/** The outcome of a fold that parses every event: the answer's text, or the code of the error. */
export function foldPlainly(api: keyof typeof answers, events: readonly Told[], cap = CAP): string {
  const draft = newDraft(cap)
  return outcome(() => {
    const done = events.some((event) => mergePlainly(draft, event))
    if (draft.choices.size === 0 || !(done || isFinished(draft))) return 'upstream_truncated'
    return JSON.stringify(answers[api](draft))
  })
}

/** Whether the event was the last that counts. */
function mergePlainly(draft: Draft, [data, name]: Told): boolean {
  if (isDone(data)) return true
  const chunk = parseEvent(data, name)
  const trouble = findTrouble(chunk, name)
  if (trouble) throw trouble
  if (!isHeartbeat(chunk)) mergeChunk(draft, chunk)
  return false
}

/** What `work` gives, or the code of the error that it throws. Errors that are no ProxyError are not caught. */
export function outcome(work: () => string): string {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof ProxyError) return thrown.code
    throw thrown
  }
}
