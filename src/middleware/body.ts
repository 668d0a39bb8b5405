import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { koaBody } from 'koa-body'
import { ProxyError } from '../errors.ts'
import type { Context } from '../facts.ts'
import { faultOffset, nestsDeeperThan } from '../json/syntax.ts'

/** Of a content type: `application/json` or `application/*+json`, and its parameters. */
const jsonType = /^application\/(?:json|[\w.!#$&^-]+\+json)[ \t]*(?:;(.*))?$/i
const charset = /(?:^|;)[ \t]*charset[ \t]*=[ \t]*"?([^";\s]*)/i
const codings = new Set(['identity', 'gzip', 'deflate', 'br'])

/**
 * Brackets nested deeper than this are refused: V8 needs seconds for millions of levels, and no request has hundreds.
 */
const MAX_DEPTH = 1000

/** Of more chunks than this the mean must be some bytes: each is kept for itself until the body is whole. */
const MANY_CHUNKS = 10_000
const LEAST_MEAN_BYTES = 64

/** Texts longer than this, in UTF-16 code units, are not searched for their fault: at 20 MB it took seconds. */
const MAX_SEARCHED = 256 * 1024

/**
 * Makes a function that reads a request's body whole.
 * @param maxBytes cap on the body, counted after decompression, and on `content-length` before
 * @throws ProxyError `unsupported_media_type`, `request_too_large`, `client_closed_request`, `invalid_json`
 */
export function bodyReader(maxBytes: number): (ctx: Context) => Promise<Buffer> {
  // As text with no encoding koa-body gives the bytes themselves. Its JSON mode would replace bad UTF-8 without
  // a word and refuse a member named __proto__.
  const koa = koaBody({
    json: false,
    urlencoded: false,
    textTypes: ['json', '+json'],
    textLimit: maxBytes,
    encoding: '',
  })
  return async (ctx) => {
    try {
      refuseByHeaders(ctx.req, maxBytes)
      const reading = koa(ctx, async () => {})
      await Promise.race([reading, ...dangersOf(ctx.req)])
      const body: unknown = ctx.request.body
      // Not kept for as long as the answer streams: the text is enough.
      ctx.request.body = null
      return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
    } catch (thrown) {
      discardRest(ctx.req, 2 * maxBytes)
      throw readingFailed(thrown, ctx.req)
    }
  }
}

/**
 * Makes text and value of a body's bytes.
 * @throws ProxyError `invalid_json`, which says where, and `invalid_request` for brackets nested too deeply
 */
export function parseBody(bytes: Buffer): { text: string; value: unknown } {
  if (!isUtf8(bytes)) throw invalid('it is not encoded in UTF-8')
  // RFC 8259 §8.1: a byte order mark may be ignored, but must not be sent on.
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  const text = bytes.toString('utf8', hasMark ? 3 : 0)
  if (text.length > MAX_DEPTH && nestsDeeperThan(text, MAX_DEPTH)) {
    throw new ProxyError('invalid_request', {
      message: `The request body nests its brackets deeper than ${MAX_DEPTH} levels. Send a flatter one.`,
    })
  }
  try {
    return { text, value: JSON.parse(text) }
  } catch {
    // The engine's own message quotes the body.
    throw invalid(whereItFails(text))
  }
}

function refuseByHeaders({ headers }: IncomingMessage, maxBytes: number): void {
  // A missing content type passes: only JSON makes sense here, and whatever else it is does not parse. koa-body asks.
  headers['content-type'] ??= 'application/json'
  // Names of codings are case-insensitive (RFC 9110, section 8.4.1), for koa-body they are not.
  // `x-gzip` is another name of gzip (section 8.4.1.3).
  const coding = headers['content-encoding']?.toLowerCase().replace(/^x-gzip$/, 'gzip')
  if (coding !== undefined) headers['content-encoding'] = coding
  const type = jsonType.exec(headers['content-type'])
  const set = charset.exec(type?.[1] ?? '')?.[1] ?? 'utf-8'
  if (!type || !/^(?:utf-?8|us-ascii)$/i.test(set) || !codings.has(coding ?? 'identity')) {
    throw new ProxyError('unsupported_media_type')
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw new ProxyError('request_too_large')
}

/** What ends the reading of a body that koa-body would go on with. */
function dangersOf(req: IncomingMessage): Promise<never>[] {
  const { 'content-encoding': coding, 'transfer-encoding': chunked } = req.headers
  return [...(coding === undefined ? [] : [left(req)]), ...(chunked === undefined ? [] : [crumbled(req)])]
}

/** Fails when a body comes in crumbs, of which a few megabytes take some hundred times as much memory. */
function crumbled(req: IncomingMessage): Promise<never> {
  return new Promise((_, reject) => {
    let chunks = 0
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      chunks++
      bytes += chunk.length
      if (chunks < MANY_CHUNKS || bytes >= chunks * LEAST_MEAN_BYTES) return
      // Whoever collects them must not go on with it.
      req.unpipe().removeAllListeners('data')
      const message =
        'The request body comes in too many tiny chunks. Send it in larger ones, or with a content-length.'
      reject(new ProxyError('request_too_large', { message }))
    })
  })
}

/** Fails when the client goes: an inflater that gets no more input would wait for ever. */
function left(req: IncomingMessage): Promise<never> {
  return new Promise((_, reject) => {
    const check = () => {
      if (!req.complete) reject(new ProxyError('client_closed_request'))
    }
    // It may have gone while an earlier stage waited; then there is no event any more.
    if (req.destroyed) check()
    else req.once('close', check)
  })
}

/** Says in this proxy's words why the body could not be read. */
function readingFailed(thrown: unknown, req: IncomingMessage): unknown {
  if (thrown instanceof ProxyError) return thrown
  if (req.destroyed && !req.complete) return new ProxyError('client_closed_request', { cause: thrown })
  if (!(thrown instanceof Error)) return thrown
  if ('type' in thrown && thrown.type === 'entity.too.large') return new ProxyError('request_too_large')
  // What else may fail in a compressed body is the inflating: Node's errors for that have codes of many kinds.
  const inflating = req.headers['content-encoding'] !== undefined && 'code' in thrown
  return inflating ? invalid('it could not be decompressed', thrown) : thrown
}

/**
 * Takes in what a refused client still sends, so that it comes to read the answer; without this the connection
 * would hang, or be reset with the answer unread. Beyond `allowance` bytes the connection is closed.
 */
export function discardRest(req: IncomingMessage, allowance: number): void {
  if (req.complete || req.destroyed) return
  let rest = allowance
  req.unpipe()
  req.on('data', (chunk: Buffer) => {
    rest -= chunk.length
    if (rest < 0) req.destroy()
  })
  req.resume()
}

function whereItFails(text: string): string {
  if (text.trim() === '') return 'it is empty'
  if (text.length > MAX_SEARCHED) return 'it goes wrong somewhere, and is too long to say where'
  const at = faultOffset(text) ?? text.length
  if (at === text.length) return 'it ends before the JSON is complete'
  const lines = text.slice(0, at).split('\n')
  return `it goes wrong at character ${at} (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`
}

function invalid(why: string, cause?: unknown): ProxyError {
  const message = `The request body is not valid JSON: ${why}. Send one JSON object, encoded in UTF-8.`
  return new ProxyError('invalid_json', { message, cause })
}
