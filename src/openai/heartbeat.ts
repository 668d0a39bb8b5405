import { isObject, type JsonObject, own } from '../fold/record.ts'
import { findTrouble } from './foreign.ts'

/** Longer ones say more than that somebody is there. */
const MAX_LENGTH = 128

const word = '"ping"'

/** Whether an event is no part of the answer: Anthropic's way of keeping a connection alive, which gateways pass on. */
export function isHeartbeat(event: JsonObject): boolean {
  return own(event, 'type') === 'ping' && own(event, 'choices') === undefined
}

/**
 * The same of an event that has not been parsed: as text, or as byte text. One that tells of an error is none. Costs next
 * to nothing for all others.
 */
export function isHeartbeatData(data: string, name: string): boolean {
  if (data.length > MAX_LENGTH || !data.includes(word)) return false
  try {
    const event: unknown = JSON.parse(data)
    return isObject(event) && isHeartbeat(event) && !findTrouble(event, name)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
