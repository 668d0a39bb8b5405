import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../clock.ts'
import { type Question, type RecordedEvent, recordingFor } from './recordings.ts'

/** A provider that can do nothing but stream, within this process. */
export interface DemoUpstream {
  /** The full `…/v1/chat/completions`. */
  readonly url: string
  /** Tells the `data` of every event that is sent from now on, until the returned function is called. */
  watch(seen: (data: string) => void): () => void
  close(): Promise<void>
}

/** Starts it, on a free port of the loopback unless told otherwise. Rejects with the system's error, such as EADDRINUSE. */
export async function startUpstream(clock: Clock, host = '127.0.0.1', wanted = 0): Promise<DemoUpstream> {
  const watchers = new Set<(data: string) => void>()
  const tell = (data: string) => {
    for (const seen of watchers) seen(data)
  }
  const server = createServer((req, res) => {
    // A client that leaves while it sends its body has made no request.
    serve(req, res, clock, tell).catch(() => res.destroy())
  })
  server.listen(wanted, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    watch(seen) {
      watchers.add(seen)
      return () => watchers.delete(seen)
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function serve(req: IncomingMessage, res: ServerResponse, clock: Clock, tell: (data: string) => void) {
  const body = Buffer.concat(await req.toArray()).toString()
  if (req.url === '/v1/models') return sendJson(res, 200, { object: 'list', data: [modelEntry] })
  if (req.url !== '/v1/chat/completions') return refuse(res, 404, 'This upstream has chat completions and models only.')
  const asked = parse(body)
  if (!asked) return refuse(res, 400, 'The request body is not a JSON object.')
  if (asked.stream !== true) return refuse(res, 400, streamOnly, 'stream')
  const question = questionIn(asked)
  if (question.n > 2) return refuse(res, 400, 'This model gives at most 2 choices.', 'n')
  const { events, usage } = recordingFor(question)
  await play(res, wantsUsage(asked) ? [...events, usage] : events, clock, tell)
}

const modelEntry = { id: 'demo-stream-only', object: 'model', created: 1_764_028_800, owned_by: 'openai-proxy' }

/** What providers of this kind say, in these words or others. */
const streamOnly = 'This model only supports stream mode. Set "stream" to true to use it.'

async function play(
  res: ServerResponse,
  events: readonly RecordedEvent[],
  clock: Clock,
  tell: (data: string) => void,
): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  res.flushHeaders()
  for (const { afterMs, data } of events) {
    await pause(clock, afterMs, res)
    if (res.destroyed) return
    send(res, JSON.stringify(data), tell)
  }
  send(res, '[DONE]', tell)
  res.end()
}

function send(res: ServerResponse, data: string, tell: (data: string) => void): void {
  res.write(`data: ${data}\n\n`)
  tell(data)
}

/** Ends early when the client leaves: nobody would read the rest. */
function pause(clock: Clock, ms: number, res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => {
      res.off('close', leave)
      resolve()
    })
    function leave() {
      cancel()
      resolve()
    }
    res.once('close', leave)
  })
}

function refuse(res: ServerResponse, status: number, message: string, param: string | null = null): void {
  sendJson(res, status, { error: { message, type: 'invalid_request_error', param, code: null } })
}

function sendJson(res: ServerResponse, status: number, value: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

type Body = Readonly<Record<string, unknown>>

function parse(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wantsUsage({ stream_options: options }: Body): boolean {
  return isObject(options) && options.include_usage === true
}

function questionIn({ n, messages, tools, response_format: format }: Body): Question {
  const last = Array.isArray(messages) ? messages.filter(isObject).at(-1) : undefined
  const offered = Array.isArray(tools) ? tools.filter(isObject).map((tool) => tool.function) : []
  return {
    n: typeof n === 'number' ? n : 1,
    lastRole: String(last?.role ?? 'user'),
    // Parts of a message, such as images, are searched as well: it is only a recording.
    lastText: JSON.stringify(last?.content ?? ''),
    tools: offered.filter(isObject).map(({ name }) => String(name)),
    bySchema: isObject(format) && format.type === 'json_schema',
  }
}
