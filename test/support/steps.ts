import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type BodyOptions, sseBody } from './chunks.ts'
import type { Received, Step } from './exchange.ts'

type Headers = Record<string, string | string[]>

const eventStream = { 'content-type': 'text/event-stream; charset=utf-8' }

/** Sends status and headers at once, before any body. */
export function head(status = 200, headers: Headers = eventStream): Step {
  return ({ response }) => {
    response.writeHead(status, headers)
    response.flushHeaders()
  }
}

/** Writes body bytes, each part for itself. */
export function send(...parts: readonly (string | Buffer)[]): Step {
  return async (exchange) => {
    for (const part of parts) await exchange.send(part)
  }
}

/** Writes a body in pieces of `size` bytes, through the middle of characters too. */
export function inPieces(body: string | Buffer, size: number): Step {
  const bytes = Buffer.from(body)
  return async (exchange) => {
    for (let at = 0; at < bytes.length; at += size) await exchange.send(bytes.subarray(at, at + size))
  }
}

/** Sends a stream of events; ends it without `[DONE]` unless `done` is set. */
export function stream(events: readonly (Record<string, unknown> | string)[], options: BodyOptions = {}): Step {
  return send(sseBody(events, options))
}

/** Sends comments only: what keeps a connection alive without saying anything. */
export function heartbeats(count: number): Step {
  return send(...Array.from({ length: count }, () => ': heartbeat\n\n'))
}

/** Sends a whole answer: objects as JSON, text and bytes as they are. */
export function answer(status: number, body: object | string | Buffer, headers: Headers = {}): Step {
  const ready = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  return ({ response, send: write }) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    return write(ready)
  }
}

const encoders = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync, deflate: deflateSync }

/** Sends a 200 answer compressed, in pieces of `size` bytes so that it cannot be unpacked in one go. */
export function compressed(
  encoding: keyof typeof encoders,
  body: string,
  headers: Headers = eventStream,
  size = 16,
): Step {
  const pieces = inPieces(encoders[encoding](body), size)
  return (exchange) => {
    exchange.response.writeHead(200, { ...headers, 'content-encoding': encoding })
    return pieces(exchange)
  }
}

/** Writes `piece` again and again, `total` bytes at least, as fast as the reader takes it. */
export function flood(total: number, piece: string | Buffer): Step {
  const bytes = Buffer.from(piece)
  return async (exchange) => {
    const { request, send: write } = exchange
    const until = request.accepted + total
    while (request.accepted < until && request.closedBy === undefined) await write(bytes)
  }
}

/** Writes past HTTP, straight to the socket. Follow it with `cut`, `reset` or `hang`. */
export function raw(bytes: string | Buffer): Step {
  return (exchange) => exchange.raw(bytes)
}

/** Waits until the test says go: `const gate = Promise.withResolvers<void>()`, `wait(gate.promise)`. */
export function wait(gate: Promise<unknown>): Step {
  return async () => {
    await gate
  }
}

/** Says nothing more; ends with the connection. */
export const hang: Step = () => new Promise<never>(() => {})

/** Destroys the connection after what was sent, as a crashed process does. */
export const cut: Step = (exchange) => exchange.cut('fin')

/** Destroys the connection with an RST; what the reader had not yet read may be lost. */
export const reset: Step = (exchange) => exchange.cut('reset')

/** The bytes of `body` up to the middle of the first `character`, which takes two bytes or more. */
export function upToInside(body: string, character: string): Buffer {
  const at = body.indexOf(character)
  const width = Buffer.byteLength(character)
  if (at < 0 || width < 2) throw new Error(`the body has no multi-byte ${character}`)
  return Buffer.from(body).subarray(0, Buffer.byteLength(body.slice(0, at)) + (width >> 1))
}

/** Wraps steps as a provider that only streams: 400 unless `stream` is true, in DashScope's words. */
export function streamOnly(steps: readonly Step[]): (request: Received) => readonly Step[] {
  const message = 'This model only support stream mode, please enable the stream parameter to access the model. '
  return ({ json }) => (json.stream === true ? steps : [refusal(message, 'invalid_parameter_error', null)])
}

/** Wraps steps as a provider that does not know `stream_options`: 400 when it is sent. */
export function withoutStreamOptions(steps: readonly Step[]): (request: Received) => readonly Step[] {
  const message = 'Unrecognized request argument supplied: stream_options'
  return ({ json }) => ('stream_options' in json ? [refusal(message, null, 'stream_options')] : steps)
}

function refusal(message: string, code: string | null, param: string | null): Step {
  return answer(400, { error: { message, type: 'invalid_request_error', param, code } })
}
