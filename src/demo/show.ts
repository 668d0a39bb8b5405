import type { Clock } from '../clock.ts'
import { jsonLines } from './json-lines.ts'
import { type Line, type Span, wrap } from './line.ts'
import { type Columns, openColumns, type Screen } from './screen.ts'
import type { DemoUpstream } from './upstream.ts'

export interface ShowParts {
  readonly screen: Screen
  readonly clock: Clock
  readonly upstream: DemoUpstream
  /** The proxy's `…/v1/chat/completions`. */
  readonly chat: string
  /** Ends the show early. */
  readonly signal: AbortSignal
}

interface Scene {
  readonly title: string
  readonly request: Readonly<Record<string, unknown>>
}

const user = (content: string) => [{ role: 'user', content }]
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

/** Asked first of the upstream itself, and then of the proxy. */
export const plainQuestion = { model: 'demo-stream-only', messages: user('Why is the sky blue?') }

/** What is asked, each a way in which a stream is more than its pieces. */
export const scenes: readonly Scene[] = [
  { title: 'The same request, sent to the proxy', request: plainQuestion },
  {
    title: 'Two tool calls at once, their pieces mixed',
    request: {
      model: 'demo-stream-only',
      messages: user('Paris or Oslo tomorrow?'),
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: city } }],
    },
  },
  {
    title: 'n = 2: two choices, their pieces mixed',
    request: { model: 'demo-stream-only', n: 2, messages: user('A motto for a proxy that un-streams, please.') },
  },
]

/** What the ids of the show's own requests begin with. */
export const showIds = 'demo-show-'

/** The whole show. Rejects with an AbortError when it is ended early. */
export async function show(parts: ShowParts): Promise<void> {
  await refusal(parts)
  for (const [at, scene] of scenes.entries()) await act(parts, scene, at + 2)
}

/** What the upstream says to a plain request. */
async function refusal({ screen, upstream, signal }: ShowParts): Promise<void> {
  heading(screen, 1, 'A plain request, sent straight to the upstream')
  sent(screen, upstream.url, plainQuestion)
  const response = await ask(upstream.url, plainQuestion, 1, signal)
  const width = screen.columns - 3
  screen.print([`   ${response.status} ${response.statusText}`, ['bold', 'red']])
  for (const line of jsonLines(await response.json(), shapeFor(width))) screen.print(['   '], ...line)
}

/** One request to the proxy: the events that its upstream sends, and what the client gets of them. */
async function act({ screen, clock, upstream, chat, signal }: ShowParts, { title, request }: Scene, number: number) {
  heading(screen, number, title)
  sent(screen, chat, request)
  const began = clock.now()
  const columns = openColumns(
    screen,
    [['The upstream streams', 'bold']],
    [['the client waits: nothing sent yet', 'dim']],
  )
  const stop = upstream.watch((data) => columns.left(eventLine(data, clock.now() - began, request.n !== undefined)))
  const response = await ask(chat, request, number, signal).finally(stop)
  const type = response.headers.get('content-type') ?? ''
  const status: Span = [`${response.status}`, ['bold', response.ok ? 'green' : 'red']]
  const aside: Span = [` · ${type} · after ${Math.round(clock.now() - began)} ms`, 'dim']
  fill(columns, [['The client gets ', 'bold'], status, aside], await response.json())
}

function fill(columns: Columns, title: Line, answer: unknown): void {
  columns.right(title, jsonLines(answer, shapeFor(columns.rightWidth)))
}

/** In a file the JSON stays whole, for whoever wants to parse it. */
function shapeFor(width: number): { width: number; wrapped: boolean } {
  return Number.isFinite(width) ? { width, wrapped: true } : { width: 100, wrapped: false }
}

function heading(screen: Screen, number: number, title: string): void {
  screen.print()
  screen.print([` ${number} `, ['bold', 'inverse']], [` ${title}`, 'bold'])
  screen.print()
}

function sent(screen: Screen, url: string, request: unknown): void {
  screen.print(['   POST ', 'dim'], [url])
  for (const line of wrap(JSON.stringify(request), screen.columns - 3)) screen.print(['   '], [line, 'dim'])
  screen.print()
}

/** An event as it was sent, less what is the same in each of them. */
function eventLine(data: string, ms: number, numbered: boolean): Line {
  return [[`${Math.round(ms)} ms`.padStart(7), 'dim'], ['  data: ', 'dim'], ...telling(data, numbered)]
}

function telling(data: string, numbered: boolean): Line {
  if (data === '[DONE]') return [[data]]
  const { choices, usage }: Chunk = JSON.parse(data)
  const shown = choices.map(({ index, delta, finish_reason: end }) => ({
    ...(numbered && { index }),
    ...delta,
    ...(end !== null && { finish_reason: end }),
  }))
  // The braces around them, and those of the functions in tool calls, would leave no room for what they hold.
  const text = [...shown, ...(usage ? [{ usage }] : [])].map((part) => JSON.stringify(part).slice(1, -1)).join(',')
  return [
    ['{… ', 'dim'],
    [text.replaceAll('"function":{', '…'), 'cyan'],
    [' …}', 'dim'],
  ]
}

/** What the show reads of the events that the demo's own upstream sends. */
interface Chunk {
  readonly choices: readonly { index: number; delta: object; finish_reason: string | null }[]
  readonly usage?: object
}

function ask(url: string, body: unknown, number: number, signal: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': `${showIds}${number}` },
    body: JSON.stringify(body),
    signal,
  })
}
