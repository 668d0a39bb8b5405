import OpenAI from 'openai'
import type { Api } from '../../src/openai/api.ts'
import { createParser } from '../../src/sse/parse.ts'

/** The events of a rendered stream, read by this project's own parser. */
export function eventsOf(body: string): { name: string; data: string }[] {
  const events: { name: string; data: string }[] = []
  const parser = createParser((data, name) => events.push({ name, data }), { maxEventBytes: 100_000_000 })
  parser.push(body)
  parser.end()
  return events
}

/** The events' data parsed, without `[DONE]`. */
export function chunksOf(body: string): Record<string, unknown>[] {
  return eventsOf(body)
    .filter(({ data }) => data !== '[DONE]')
    .map(({ data }) => JSON.parse(data))
}

/** The answer that this project's own fold makes of a rendered stream. */
export function foldOf(api: Api, body: string): unknown {
  const fold = api.newFold?.(100_000_000)
  for (const { name, data } of eventsOf(body)) fold?.push(data, name)
  return JSON.parse(fold?.finish() ?? 'null')
}

/** OpenAI's own client, to which every request is answered with this stream. */
export function clientOf(body: string): OpenAI {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
  return new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: async () => new Response(body, { headers }) })
}
