import { saying, sseBody } from '../support/chunks.ts'
import { send, stream, wait } from '../support/steps.ts'
import { startUpstream, type Upstream } from '../support/upstream.ts'
import type { Ask } from './traffic.ts'

/** An upstream that answers at once, or, to whoever says "hold", begins and waits until the test lets it finish. */
export interface Scene {
  readonly upstream: Upstream
  /** Lets everything that is held finish. */
  release(): void
}

export async function startScene(): Promise<Scene> {
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const events = saying('Hel', 'lo')
  const upstream = await startUpstream(({ body }) =>
    body.includes('hold')
      ? [send(sseBody(events.slice(0, 1))), wait(gate), stream(events.slice(1), { done: true })]
      : [stream(events, { done: true })],
  )
  return { upstream, release }
}

/** A chat request. */
export function chat(content: 'hello' | 'hold', streams = false): Ask {
  const body = { model: 'test-model', messages: [{ role: 'user', content }], stream: streams }
  return { path: '/v1/chat/completions', body }
}

/** Waits until `count` requests that are held have arrived upstream since the start. */
export async function arrived({ upstream }: Scene, count: number): Promise<void> {
  while (upstream.requests.filter(({ body }) => body.includes('hold')).length < count) await upstream.next()
}
