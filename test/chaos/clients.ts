import { Pool } from 'undici'
import type { Tally } from './tally.ts'

/** One answer as a client sees it. */
export interface Seen {
  readonly streamed: boolean
  /** The whole answer, and the right one. */
  readonly ok: boolean
  /** It was no answer, and said so: by a status, or by an error in the stream. */
  readonly told: boolean
  readonly status: number
  readonly upstream: string
  readonly attempts: number
  readonly ms: number
}

/** Every fifth client asks for streams. */
const STREAMED = 5

/** Keeps `count` clients asking, each as soon as it has its answer, until the signal says stop. */
export async function runClients(base: string, count: number, tally: Tally, stop: AbortSignal): Promise<void> {
  const pool = new Pool(new URL(base).origin, { connections: count, headersTimeout: 0, bodyTimeout: 0 })
  const path = `${new URL(base).pathname}/chat/completions`
  const one = async (client: number) => {
    for (let turn = 0; !stop.aborted; turn++) {
      tally.add(await ask(pool, path, `${client}.${turn} `.repeat(12), client % STREAMED === 0))
    }
  }
  await Promise.all(Array.from({ length: count }, (_, client) => one(client)))
  await pool.close()
}

async function ask(pool: Pool, path: string, text: string, streamed: boolean): Promise<Seen> {
  const from = performance.now()
  const body = JSON.stringify({ model: 'm', stream: streamed, messages: [{ role: 'user', content: text }] })
  const headers = { 'content-type': 'application/json' }
  try {
    const response = await pool.request({ path, method: 'POST', headers, body })
    const answer = await response.body.text()
    const ok = response.statusCode === 200 && (streamed ? streamText(answer) : plainText(answer)) === text
    return {
      streamed,
      ok,
      told: response.statusCode >= 400 || answer.includes('data: {"error":'),
      status: response.statusCode,
      upstream: String(response.headers['x-proxy-upstream'] ?? 'none'),
      attempts: Number(response.headers['x-proxy-attempts'] ?? 0),
      ms: performance.now() - from,
    }
  } catch {
    // The proxy itself has failed: no upstream's fault may lead to that.
    return { streamed, ok: false, told: false, status: 0, upstream: 'none', attempts: 0, ms: performance.now() - from }
  }
}

function plainText(answer: string): string | undefined {
  const { choices } = JSON.parse(answer) as { choices: { message: { content: string } }[] }
  return choices[0]?.message.content
}

/** Undefined for a stream that does not end as a whole one does. */
function streamText(answer: string): string | undefined {
  if (!answer.endsWith('data: [DONE]\n\n')) return undefined
  const events = answer.split('\n\n').filter((event) => event.startsWith('data: {'))
  return events.map((event) => pieceOf(event.slice('data: '.length))).join('')
}

function pieceOf(data: string): string {
  const { choices } = JSON.parse(data) as { choices: { delta: { content?: string } }[] }
  return choices[0]?.delta.content ?? ''
}
