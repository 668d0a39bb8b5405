import type { ServerResponse } from 'node:http'
import { type ErrorCode, errorTable } from './errors.ts'

/** What becomes of a request that this process itself ends before its answer is complete. */
export interface Cut {
  /** The one that went out, where one did. */
  readonly status: number
  readonly code: ErrorCode
}

// From the record's side this looks like a client that left: the connection closes, and the answer is not complete.
const cuts = new WeakMap<ServerResponse, Cut>()

/** Call before an answer's connection is closed from here, so that its client is not taken for one that left. */
export function noteCut(res: ServerResponse, code: ErrorCode): void {
  cuts.set(res, { status: res.headersSent ? res.statusCode : errorTable[code].status, code })
}

/** Undefined for an answer that this process has not cut. */
export function cutOf(res: ServerResponse): Cut | undefined {
  return cuts.get(res)
}
