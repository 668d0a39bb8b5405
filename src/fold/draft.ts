import { ProxyError } from '../errors.ts'
import { type JsonObject, own } from './record.ts'

/**
 * OpenAI allows 128 choices and 128 tool calls. Far above that, an index is an attack or a defect,
 * and each new one would cost memory without adding a byte to the capped text.
 */
export const MAX_INDEX = 1023

/** One tool call under construction, and the index under which its fragments arrive. */
export interface CallDraft {
  /** The index or position that its fragments carry. */
  readonly slot: number
  /** Where it stands among the calls of the answer. */
  readonly rank: number
  readonly call: JsonObject
}

/** One choice under construction. */
export interface ChoiceDraft {
  readonly index: number
  /** The message of a chat choice; stays empty for the legacy API. */
  readonly message: JsonObject
  /** What the message and its calls have put on the meter. */
  messageUnits: number
  /** Everything beside the message: text, logprobs, vendor fields. */
  readonly fields: JsonObject
  readonly calls: CallDraft[]
  /** The call that the last fragment went to; one that names neither index nor id goes on with it. */
  openCall: CallDraft | undefined
  finishReason: string | undefined
}

/** What has been folded of one stream so far. */
export interface Draft {
  readonly top: JsonObject
  readonly choices: Map<number, ChoiceDraft>
  readonly meter: Meter
}

/** Counts what the answer holds, so that a hostile stream meets a cap rather than the end of the memory. */
export class Meter {
  private size = 0
  private readonly cap: number

  /** @param cap UTF-16 units, about bytes for Western text; see `MAX_ANSWER_BYTES` */
  constructor(cap: number) {
    this.cap = cap
  }

  get units(): number {
    return this.size
  }

  /** @throws ProxyError `upstream_too_large` when the answer has outgrown the cap */
  add(units: number): void {
    this.size += units
    if (this.size > this.cap) throw new ProxyError('upstream_too_large')
  }
}

export function newDraft(maxAnswerBytes: number): Draft {
  return { top: {}, choices: new Map(), meter: new Meter(maxAnswerBytes) }
}

/** The choice with this index, begun when it is new. @throws ProxyError `upstream_invalid` out of bounds */
export function choiceAt(draft: Draft, index: number): ChoiceDraft {
  const known = draft.choices.get(index)
  if (known) return known
  assertIndex(index)
  const choice: ChoiceDraft = {
    index,
    message: {},
    messageUnits: 0,
    fields: {},
    calls: [],
    openCall: undefined,
    finishReason: undefined,
  }
  draft.choices.set(index, choice)
  return choice
}

/**
 * What the piece says of its index; undefined where it says nothing, so that its position has to do, and NaN where it
 * says what is no number. Digits in quotes are one: they are a careless server's index, not an attack.
 */
export function indexOf(piece: JsonObject): number | undefined {
  const index = own(piece, 'index') ?? undefined
  if (index === undefined || typeof index === 'number') return index
  return typeof index === 'string' && /^\d+$/.test(index) ? Number(index) : Number.NaN
}

/** @throws ProxyError `upstream_invalid` when the index cannot be one of OpenAI's */
export function assertIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
    throw new ProxyError('upstream_invalid', { message: 'The upstream sent an event with an index out of bounds.' })
  }
}
