/**
 * The least that un-streaming can cost in Node: node:http, undici's dispatch and one JSON.parse an event, with no
 * checks, limits, metrics, logs or traces. Listens on PORT, asks UPSTREAM.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

const target = new URL(process.env.UPSTREAM ?? '')
const pool = new Pool(target.origin, { connections: 128, pipelining: 1 })

createServer((req, res) => {
  const parts: Buffer[] = []
  req.on('data', (part: Buffer) => parts.push(part))
  req.on('end', () => answer(req, res, JSON.parse(Buffer.concat(parts).toString())))
}).listen(Number(process.env.PORT), '127.0.0.1')

function answer(req: IncomingMessage, res: ServerResponse, body: Record<string, unknown>): void {
  const streams = body.stream === true
  const fold = new Floor()
  const asked = streams ? body : { ...body, stream: true, stream_options: { include_usage: true } }
  const [, query = ''] = (req.url ?? '').split('?')
  const headers = { 'content-type': 'application/json', authorization: req.headers.authorization ?? '' }
  pool.dispatch(
    { method: 'POST', path: `${target.pathname}?${query}`, headers, body: JSON.stringify(asked) },
    {
      onRequestStart() {},
      onResponseStart(_controller, status) {
        if (streams) res.writeHead(status, { 'content-type': 'text/event-stream' })
      },
      onResponseData(controller, chunk) {
        // Else a client that leaves would take a connection of the pool with it.
        if (res.destroyed) return void controller.abort(new Error('nobody reads it any more'))
        if (!streams) return fold.take(chunk)
        if (res.write(chunk)) return
        controller.pause()
        res.once('drain', () => controller.resume())
      },
      onResponseEnd() {
        if (streams) return void res.end()
        const answer = fold.answer()
        res.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
        res.end(answer)
      },
      onResponseError(_controller, error) {
        if (res.destroyed) return
        res.writeHead(502)
        res.end(error.message)
      },
    },
  )
}

interface Chunk {
  id: string
  created: number
  model: string
  usage?: object
  choices: { delta: { content?: string }; finish_reason: string | null }[]
}

/** Reads bytes as Latin-1 and writes them back so: the floor may cheat where UTF-8 is concerned. */
class Floor {
  private pending = ''
  private first: Chunk | undefined
  private content = ''
  private reason: string | null = null
  private usage: object | undefined

  take(bytes: Buffer): void {
    this.pending += bytes.toString('latin1')
    let from = 0
    for (let end = this.pending.indexOf('\n\n'); end >= 0; end = this.pending.indexOf('\n\n', from)) {
      this.read(this.pending.slice(from + 'data: '.length, end))
      from = end + 2
    }
    this.pending = this.pending.slice(from)
  }

  private read(data: string): void {
    if (data === '[DONE]') return
    const chunk = JSON.parse(data) as Chunk
    this.first ??= chunk
    this.usage = chunk.usage ?? this.usage
    const choice = chunk.choices[0]
    if (!choice) return
    this.content += choice.delta.content ?? ''
    this.reason = choice.finish_reason ?? this.reason
  }

  answer(): Buffer {
    const { id, created, model } = this.first as Chunk
    const message = { role: 'assistant', content: this.content }
    const choices = [{ index: 0, message, logprobs: null, finish_reason: this.reason }]
    const answer = { id, object: 'chat.completion', created, model, choices, usage: this.usage }
    return Buffer.from(JSON.stringify(answer), 'latin1')
  }
}
