import type { Clock } from '../clock.ts'
import { scenes } from './show.ts'

type Asked = Readonly<Record<string, unknown>>

export interface LoadParts {
  /** The proxy's `…/v1/chat/completions`. */
  readonly chat: string
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Clients that ask at the same time. */
  readonly clients: number
}

const pauseMs = 700

/** What is asked, in turn: the scenes of the show, most of them un-streamed, and one question that the upstream refuses. */
const questions: readonly Asked[] = scenes.flatMap(({ request }) => [
  request,
  request,
  { ...request, stream: true, stream_options: { include_usage: true } },
])
const refused: Asked = { ...scenes[0]?.request, n: 3 }

/** Asks again and again until `signal` is aborted, so that there is something to see. Never rejects. */
export async function load({ chat, clock, signal, clients }: LoadParts): Promise<void> {
  const asked = [...questions, refused]
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let turn = client; !signal.aborted; turn++) {
        await ask(chat, asked[turn % asked.length] ?? {}, signal)
        await pause(clock, pauseMs, signal)
      }
    }),
  )
}

/** Reads the answer to its end. That there is none is no fault: the proxy may not be there yet. */
async function ask(chat: string, body: Asked, signal: AbortSignal): Promise<void> {
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(chat, { method: 'POST', headers, body: JSON.stringify(body), signal })
    await response.arrayBuffer()
  } catch (error) {
    // fetch's own word for a connection that failed.
    if (!(error instanceof TypeError || signal.aborted)) throw error
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  // A signal that was aborted before tells no listener.
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    function leave() {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', leave, { once: true })
  })
}
