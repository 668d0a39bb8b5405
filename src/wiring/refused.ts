import type { Clock } from '../clock.ts'
import type { ProxyError } from '../errors.ts'
import { type Facts, newFacts } from '../facts.ts'
import { canonicalAddress } from '../limit/addresses.ts'
import { addressName } from '../limit/keys.ts'

/** A request that the server has refused by itself, and what is known of it. */
export interface Refused {
  readonly error: ProxyError
  /** In the answer's `x-request-id`. */
  readonly id: string
  /** Undefined where not even that could be read. */
  readonly method: string | undefined
  /** Of who is connected: what the headers of such a request say is believed in nothing. */
  readonly address: string | undefined
}

/** The facts of a request that no stage has seen, so that it is counted and logged like any other that is refused. */
export function factsOfRefused({ error, id, method = 'unknown', address = '' }: Refused, clock: Clock): Facts {
  const facts = newFacts(id, clock.now(), method, 'other')
  facts.client = addressName(canonicalAddress(address))
  facts.status = error.status
  facts.code = error.code
  facts.failure = error
  return facts
}
