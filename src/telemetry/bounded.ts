import { STATUS_CODES } from 'node:http'
import { redact } from './redact.ts'

/** The label of everything that found no room. */
export const OTHER = 'other'
/** The label where a request had no such thing, such as a model on `GET /v1/models`. */
export const NONE = 'none'

// A label is kept for the life of the process, so a client must not be able to make it long either.
const LONGEST = 128

/**
 * The values that one label may take: those known from configuration always, of all others the first `room` seen.
 * Without it a client that invents a model for each request would grow the registry until the process dies.
 */
export class Bounded {
  private readonly values: Set<string>
  private most: number

  constructor(known: Iterable<string>, room = 100) {
    // The two that stand for no value take nobody's room.
    this.values = new Set([NONE, OTHER, ...known])
    this.most = this.values.size + room
  }

  /** Adds values that keep their own label. */
  know(values: Iterable<string>): void {
    for (const value of values) {
      if (this.values.has(value)) continue
      this.values.add(value)
      this.most++
    }
  }

  /** The label for `value`: itself, `other` when there is no more room, `none` when there is nothing to name. */
  label(value: string | undefined): string {
    if (value === undefined || value === '') return NONE
    if (this.values.has(value)) return value
    return this.place(redact(value.toWellFormed()))
  }

  /** Halves of characters become the same bytes in a scrape, which must have no line twice; keys must not stay in it. */
  private place(value: string): string {
    if (this.values.has(value)) return value
    if (value.length > LONGEST || this.values.size >= this.most) return OTHER
    this.values.add(value)
    return value
  }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** An HTTP method as a label; Node's parser knows 35 of them, which clients could use to multiply the series. */
export function methodLabel(method: string): string {
  return methods.has(method) ? method : OTHER
}

// 499 is this proxy's for a client that left; 529 is what some providers answer when they are overloaded.
const statuses = new Set([...Object.keys(STATUS_CODES), '499', '529'])

/** A status as a label; upstreams may invent statuses, and only registered ones get a series of their own. */
export function statusLabel(status: number): string {
  const text = String(status)
  return statuses.has(text) ? text : OTHER
}
