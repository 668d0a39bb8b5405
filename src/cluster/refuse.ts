import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { noteCut } from '../cut.ts'
import { ProxyError } from '../errors.ts'

/** Why Node's HTTP parser, or its watch over slow requests, gave up on a connection, as the client may hear it. */
function refusalOf(cause: NodeJS.ErrnoException): ProxyError {
  const { code } = cause
  if (code === 'HPE_HEADER_OVERFLOW') return new ProxyError('headers_too_large')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ProxyError('request_timeout', {
      message: 'The request did not arrive in time. Send it again over a faster connection.',
    })
  }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new ProxyError('request_too_large')
  return malformed('', cause)
}

/**
 * What Node's parser lets pass though the standard has it refused: another version than HTTP/1, no host or two, and a
 * transfer coding that this server does not undo (RFC 9112, sections 2.5, 3.2 and 6.1). Somebody on the way may read
 * such a request otherwise, which is how one is smuggled in another.
 */
export function faultOf(req: IncomingMessage): ProxyError | undefined {
  const { httpVersionMajor, httpVersionMinor, headers, rawHeaders } = req
  if (httpVersionMajor !== 1) return malformed(': it is of another version')
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked')) {
    return malformed(': its transfer coding may be "chunked" alone, and not in HTTP/1.0')
  }
  if (httpVersionMinor === 1 && hostsIn(rawHeaders) !== 1) return malformed(': it must name its host exactly once')
  return targetFault(req)
}

/** A target that is no address would be an error wherever it is taken apart. */
export function targetFault({ url = '/' }: IncomingMessage): ProxyError | undefined {
  return originForm(url) === undefined ? malformed(': its target is no address') : undefined
}

/**
 * A request's target without the scheme and host that clients write for a proxy (RFC 9112, section 3.2.2), and with them
 * without a user's name and password. Undefined for an address that is none.
 */
export function originForm(target: string): string | undefined {
  if (target.startsWith('/') || target === '*') return target
  const address = URL.parse(target)
  return address?.pathname.startsWith('/') ? address.pathname + address.search : undefined
}

/** `headers` does not tell: of several hosts Node keeps the first. */
function hostsIn(rawHeaders: readonly string[]): number {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.length === 4 && rawHeaders[at]?.toLowerCase() === 'host') hosts++
  }
  return hosts
}

function malformed(why: string, cause?: Error): ProxyError {
  const message = `This is not a well-formed HTTP/1.1 request${why}. Check what stands between the client and this proxy.`
  // What follows on the connection cannot be trusted either.
  return new ProxyError('invalid_request', { message, headers: { connection: 'close' }, cause })
}

/**
 * Answers a connection whose bytes are no HTTP, or that is too slow, with an error of OpenAI's shape, and closes it:
 * what follows on it cannot be told apart any more (RFC 9112, section 11.2, request smuggling).
 * `pending` are the responses that are under way on the same connection, in order; `id` is the request's, if it has none.
 * Returns the error where it was the answer to a request of which nothing else tells.
 */
export function refuseConnection(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  pending: readonly ServerResponse[],
  id: string,
): ProxyError | undefined {
  const whole = pending.findLast(({ req }) => req.complete)
  if (whole && socket.writable) {
    // The broken bytes came after whole requests, whose answers must be neither swapped for theirs nor cut.
    whole.once('close', () => socket.destroy())
    return undefined
  }
  if (!socket.writable || pending.some(({ headersSent }) => headersSent)) {
    // Written into an answer that has begun, the error would be taken for a part of it.
    socket.destroy()
    return undefined
  }
  const refusal = refusalOf(error)
  // The request whose body broke off is under way, and this is its answer.
  for (const res of pending) noteCut(res, refusal.code)
  const known = pending.at(-1)?.getHeader('x-request-id')
  socket.end(rawAnswer(refusal, String(known ?? id)), () => socket.destroy())
  // Who connects, and says nothing until its time is over, has asked for nothing.
  return pending.length === 0 && hasSpoken(socket) ? refusal : undefined
}

function hasSpoken(socket: Duplex): boolean {
  return socket instanceof Socket && socket.bytesRead > 0
}

/**
 * Answers CONNECT, for which Node hands over the bare connection: this is no proxy of that kind. Whatever was asked for
 * before it on the same connection, in order `pending`, is answered first. Returns the error that is the answer.
 */
export function refuseTunnel(socket: Duplex, pending: readonly ServerResponse[], id: string): ProxyError {
  // Node has taken its own listeners off: an error that nobody hears would end the process.
  socket.on('error', () => socket.destroy())
  const error = new ProxyError('method_not_allowed', { headers: { allow: 'GET, HEAD, POST' } })
  const answer = () => socket.end(rawAnswer(error, id), () => socket.destroy())
  const last = pending.at(-1)
  // Its bytes are on the socket by then, and Node has let go of it.
  if (last) last.once('close', () => setImmediate(answer))
  else answer()
  return error
}

/** Answers a request by an error before anything has looked at it. */
export function refuseRequest(res: ServerResponse, error: ProxyError, id: string): void {
  const body = JSON.stringify(error)
  const about = { ...aboutOf(id), 'content-length': Buffer.byteLength(body) }
  res.writeHead(error.status, { ...error.headers(), ...about }).end(body)
}

/** An error as bytes, for a socket that has no response object. */
function rawAnswer(error: ProxyError, id: string): string {
  const body = JSON.stringify(error)
  const headers = {
    ...error.headers(),
    ...aboutOf(id),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`
}

function aboutOf(id: string): Record<string, string> {
  return { 'content-type': 'application/json', 'x-request-id': id }
}
