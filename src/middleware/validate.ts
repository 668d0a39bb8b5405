import { ProxyError } from '../errors.ts'
import type { Facts, RequestBody, Stage } from '../facts.ts'
import { checks } from '../openai/schema/check.ts'
import { bodyReader, parseBody } from './body.ts'

type Value = RequestBody['value']

/**
 * Reads the body of a request that has one and checks it against its API. Afterwards `state.body` holds its exact
 * text and its value, and the facts say the model, the mode and the sampling parameters. Other requests pass untouched.
 * @param settings.maxBodyBytes cap on the body, before and after decompression
 * @throws ProxyError `unsupported_media_type`, `request_too_large`, `invalid_json`, `invalid_request`,
 *   `client_closed_request`
 */
export function validate({ maxBodyBytes }: { maxBodyBytes: number }): Stage {
  const read = bodyReader(maxBodyBytes)
  return async (ctx, next) => {
    const { facts } = ctx.state
    const check = ctx.method === 'POST' ? checks[facts.route] : undefined
    if (check) {
      const bytes = await read(ctx)
      facts.requestBytes = bytes.length
      const { text, value } = parseBody(bytes)
      const fault = check(value)
      if (fault || !isObject(value)) throw new ProxyError('invalid_request', fault)
      ctx.state.body = { text, value }
      note(facts, value)
    }
    await next()
  }
}

function isObject(value: unknown): value is Value {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function note(facts: Facts, value: Value): void {
  if (typeof value.model === 'string') facts.model = value.model
  facts.mode = modeOf(facts, value)
  const { parameters } = facts
  setNumber(parameters, 'temperature', value.temperature)
  setNumber(parameters, 'topP', value.top_p)
  setNumber(parameters, 'maxTokens', value.max_completion_tokens ?? value.max_tokens ?? value.max_output_tokens)
  setNumber(parameters, 'choices', value.n)
}

function modeOf({ route }: Facts, { stream }: Value): Facts['mode'] {
  if (route === '/v1/embeddings') return 'plain'
  return stream === true ? 'stream' : 'unstream'
}

function setNumber(parameters: Facts['parameters'], name: keyof Facts['parameters'], value: unknown): void {
  if (typeof value === 'number') parameters[name] = value
}
