import { Events } from './events.ts'
import type { Frame } from './frame.ts'

/** How the page stands to the program. */
export type Connection =
  | { readonly state: 'live' }
  | { readonly state: 'away' }
  /** The token is asked for. */
  | { readonly state: 'locked' }
  /** The program does not want this page to look, and says why. */
  | { readonly state: 'refused'; readonly why: string }

export interface FeedEars {
  frame(frame: Frame): void
  connection(connection: Connection): void
}

/** Frames come every second; a connection that is silent for longer is dead. Milliseconds. */
const silenceMs = 10_000
const retryMs = 1000
const refusedRetryMs = 10_000

/**
 * Follows the program for as long as the page is open. Not by EventSource, which would not say why it was refused, and
 * gives up for good when a restarting program is met by a proxy's error page.
 */
export async function follow(ears: FeedEars, unlocked: () => Promise<void>): Promise<never> {
  for (;;) {
    const connection = await lookOnce(ears)
    ears.connection(connection)
    if (connection.state === 'locked') await unlocked()
    else await pause(connection.state === 'refused' ? refusedRetryMs : retryMs)
  }
}

/** Reads until the connection ends, for whatever reason; says how to go on. */
async function lookOnce(ears: FeedEars): Promise<Connection> {
  const silence = new Silence()
  try {
    const answer = await fetch('live', { signal: silence.signal, cache: 'no-store' })
    if (answer.status === 401) return { state: 'locked' }
    if (!answer.ok || !answer.body) return { state: 'refused', why: await reasonOf(answer) }
    ears.connection({ state: 'live' })
    const events = new Events()
    for await (const text of texts(answer.body)) {
      silence.broken()
      for (const data of events.push(text)) ears.frame(JSON.parse(data))
    }
  } catch (error) {
    // Cut, silent, or a program that is not there: all are told alike, and tried again.
    console.debug('The feed has ended:', error)
  } finally {
    silence.over()
  }
  return { state: 'away' }
}

async function* texts(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    yield decoder.decode(value, { stream: true })
  }
}

async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.text()
  try {
    return String(JSON.parse(text).error.message)
  } catch {
    // Not this program's own words: a proxy in between, whose page would not fit here.
    return `${answer.status} ${answer.statusText}`
  }
}

/** Aborts when nothing was heard for too long. */
class Silence {
  private readonly controller = new AbortController()
  private timer = 0

  constructor() {
    this.broken()
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  broken(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.controller.abort(), silenceMs)
  }

  over(): void {
    clearTimeout(this.timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
