import { Ajv } from 'ajv'
import type { Route } from '../../facts.ts'
import type { Schema } from './build.ts'
import { chatRequest } from './chat.ts'
import { completionRequest } from './completions.ts'
import { embeddingRequest } from './embeddings.ts'
import { explain, type Fault } from './explain.ts'
import { responseRequest } from './responses.ts'

/** Looks at a parsed request body; says the first fault, or nothing when the request may pass. */
export type Check = (body: unknown) => Fault | undefined

// `verbose` gives each error the value and the schema that it is about; it costs nothing while there is none.
// ajv's strict types would forbid the rules of several types in one schema that `either` makes.
const ajv = new Ajv({ verbose: true, messages: false, strictTypes: false })

function checkBy(schema: Schema): Check {
  const valid = ajv.compile(schema)
  return (body) => {
    if (valid(body)) return undefined
    const [error] = valid.errors ?? []
    // ajv keeps the last errors, and through them the client's body, until the next check.
    valid.errors = null
    return error ? explain(error, body) : { message: 'The request body is not valid.' }
  }
}

/** The checks of the routes whose requests have a body, compiled once when the process starts. */
export const checks: Partial<Record<Route, Check>> = {
  '/v1/chat/completions': checkBy(chatRequest),
  '/v1/completions': checkBy(completionRequest),
  '/v1/responses': checkBy(responseRequest),
  '/v1/embeddings': checkBy(embeddingRequest),
}
